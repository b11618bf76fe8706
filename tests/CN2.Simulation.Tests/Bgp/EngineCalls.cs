using CN2.Api.Drivers.GoBgp.Wire;
using CN2.Simulation.Tests.Scheduling;
using Grpc.Core;
using Path = CN2.Api.Drivers.GoBgp.Wire.Path;

namespace CN2.Simulation.Tests.Bgp;

/// <summary>The gRPC calls of one control node to its engine. They take a time that the seed decides, and fail when the engine ends meanwhile.</summary>
internal sealed class EngineCalls(Engine engine, Scheduler scheduler, Random random) : CallInvoker
{
    /// <summary>As <c>GoBgpEngine</c> sets them; a stream of paths ends by its token.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan ShortDeadline = TimeSpan.FromSeconds(5);

    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => new(
        CallAsync(() => (TResponse)engine.Answer(method.Name, request), method.Name == "GetBgp" ? ShortDeadline : Deadline, options.CancellationToken),
        Task.FromResult(Metadata.Empty), static () => Status.DefaultSuccess, static () => Metadata.Empty, static () => { });

    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        if (request is not WatchEventRequest watch)
        {
            var items = CallAsync(() => engine.List(method.Name, request).Cast<TResponse>().ToList(), method.Name == "ListPath" ? TimeSpan.MaxValue : Deadline, options.CancellationToken);
            return new(new ListedItems<TResponse>(items), Task.FromResult(Metadata.Empty), static () => Status.DefaultSuccess, static () => Metadata.Empty, static () => { });
        }

        var stream = new EventStream();
        if (!engine.IsUp) stream.Fail();
        else engine.Watch(stream, watch);
        var registration = options.CancellationToken.Register(() =>
        {
            engine.Unwatch(stream);
            stream.Fail(StatusCode.Cancelled);
        });
        return new((IAsyncStreamReader<TResponse>)(object)stream, Task.FromResult(Metadata.Empty), static () => Status.DefaultSuccess, static () => Metadata.Empty, () =>
        {
            registration.Dispose();
            engine.Unwatch(stream);
        });
    }

    public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        var stream = new SentPaths<TRequest>();
        var done = CallAfterAsync(stream.Completed, () =>
        {
            foreach (var paths in stream.Messages) engine.Take(paths);
            return (TResponse)(object)new Google.Protobuf.WellKnownTypes.Empty();
        }, options.CancellationToken);
        return new(stream, done, Task.FromResult(Metadata.Empty), static () => Status.DefaultSuccess, static () => Metadata.Empty, static () => { });
    }

    public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options) => throw new NotSupportedException();

    public override TResponse BlockingUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => throw new NotSupportedException();

    private async Task<T> CallAfterAsync<T>(Task sent, Func<T> work, CancellationToken ct)
    {
        await sent;
        return await CallAsync(work, TimeSpan.MaxValue, ct);
    }

    private Task<T> CallAsync<T>(Func<T> work, TimeSpan deadline, CancellationToken ct)
    {
        if (ct.IsCancellationRequested) return Task.FromException<T>(Failure(StatusCode.Cancelled));
        if (!engine.IsUp) return Task.FromException<T>(Failure(StatusCode.Unavailable));
        if (engine.IsHung || random.Next(100) < 15) return SlowAsync(work, deadline, ct);
        try
        {
            return Task.FromResult(work());
        }
        catch (RpcException e)
        {
            return Task.FromException<T>(e);
        }
    }

    private Task<T> SlowAsync<T>(Func<T> work, TimeSpan deadline, CancellationToken ct)
    {
        var answer = new TaskCompletionSource<T>();
        var life = engine.Life;
        var began = scheduler.Now;
        // Answers come from the world and never from the caller's own turn: a caller that awaits without its context would leave the scheduler.
        var registration = ct.Register(() => scheduler.After(TimeSpan.Zero, () => answer.TrySetException(Failure(StatusCode.Cancelled))));
        scheduler.After(TimeSpan.FromMilliseconds(random.Next(30)), Arrive);
        return answer.Task;

        void Arrive()
        {
            if (life != engine.Life || !engine.IsUp)
            {
                answer.TrySetException(Failure(StatusCode.Unavailable));
            }
            else if (engine.IsHung)
            {
                if (scheduler.Now - began >= deadline.Ticks) answer.TrySetException(Failure(StatusCode.DeadlineExceeded));
                scheduler.After(TimeSpan.FromMilliseconds(100), Arrive);
                return;
            }
            else
            {
                try
                {
                    var result = work();
                    scheduler.After(TimeSpan.FromMilliseconds(random.Next(30)), () =>
                    {
                        if (life != engine.Life) answer.TrySetException(Failure(StatusCode.Unavailable));
                        else answer.TrySetResult(result);
                    });
                }
                catch (RpcException e)
                {
                    answer.TrySetException(e);
                }
            }

            registration.Dispose();
        }
    }

    private static RpcException Failure(StatusCode code) => new(new Status(code, $"{code}"));

    private sealed class ListedItems<T>(Task<List<T>> items) : IAsyncStreamReader<T>
    {
        private int _next = -1;

        public T Current => items.Result[_next];

        public Task<bool> MoveNext(CancellationToken cancellationToken) => items.IsCompletedSuccessfully
            ? Task.FromResult(++_next < items.Result.Count)
            : items.ContinueWith(t => ++_next < t.GetAwaiter().GetResult().Count, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private sealed class SentPaths<TRequest> : IClientStreamWriter<TRequest>
    {
        private readonly TaskCompletionSource _completed = new();

        public List<List<Path>> Messages { get; } = [];

        public Task Completed => _completed.Task;

        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(TRequest message)
        {
            // The caller fills its message again.
            Messages.Add([.. ((AddPathStreamRequest)(object)message!).Paths]);
            return Task.CompletedTask;
        }

        public Task WriteAsync(TRequest message, CancellationToken cancellationToken) => WriteAsync(message);

        public Task CompleteAsync()
        {
            _completed.TrySetResult();
            return Task.CompletedTask;
        }
    }
}
