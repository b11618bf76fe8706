using CN2.Api.Drivers.GoBgp.Wire;
using Grpc.Core;

namespace CN2.Simulation.Tests.Bgp;

/// <summary>The events of a WatchEvent call.</summary>
internal sealed class EventStream : IAsyncStreamReader<WatchEventResponse>
{
    private readonly Queue<WatchEventResponse> _events = new();
    private TaskCompletionSource<bool>? _waiting;
    private RpcException? _failure;

    public bool WantsPeers { get; set; }

    public bool WantsTable { get; set; }

    public WatchEventResponse Current { get; private set; } = new();

    public void Send(WatchEventResponse e)
    {
        _events.Enqueue(e);
        if (_waiting is not { } waiting) return;
        _waiting = null;
        Current = _events.Dequeue();
        waiting.TrySetResult(true);
    }

    public void Fail(StatusCode code = StatusCode.Unavailable)
    {
        _failure = new RpcException(new Status(code, "the engine has ended"));
        if (_waiting is not { } waiting) return;
        _waiting = null;
        waiting.TrySetException(_failure);
    }

    public Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        if (_events.TryDequeue(out var e))
        {
            Current = e;
            return Task.FromResult(true);
        }

        if (_failure is not null) return Task.FromException<bool>(_failure);
        _waiting = new TaskCompletionSource<bool>();
        return _waiting.Task;
    }
}
