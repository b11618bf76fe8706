using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace CN2.Testing;

/// <summary>
/// A thread inside a named network namespace: sockets opened and processes started by code that runs on it belong to the namespace, and
/// stay in it wherever they are used later. Asynchronous code returns to the thread after each await.
/// </summary>
public sealed partial class NamespaceThread : IDisposable
{
    private const int CloneNewNet = 0x40000000;

    private readonly BlockingCollection<(SendOrPostCallback Call, object? State)> _calls = [];
    private readonly Thread _thread;
    private readonly string _name;

    /// <param name="name">Name of the namespace, as in /run/netns.</param>
    public NamespaceThread(string name)
    {
        _name = name;
        var entered = new TaskCompletionSource();
        _thread = new Thread(() => Pump(entered)) { IsBackground = true, Name = name };
        _thread.Start();
        entered.Task.GetAwaiter().GetResult();
    }

    public Socket OpenSocket(AddressFamily family, SocketType type) => Run(() => new Socket(family, type, ProtocolType.Unspecified));

    public Task<T> RunAsync<T>(Func<Task<T>> work)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _calls.Add((async _ =>
        {
            try
            {
                done.SetResult(await work());
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        }, null));
        return done.Task;
    }

    public Task RunAsync(Func<Task> work) => RunAsync(async () =>
    {
        await work();
        return true;
    });

    public T Run<T>(Func<T> work) => RunAsync(() => Task.FromResult(work())).GetAwaiter().GetResult();

    public void Dispose()
    {
        _calls.CompleteAdding();
        _thread.Join(TimeSpan.FromSeconds(5));
    }

    private void Pump(TaskCompletionSource entered)
    {
        try
        {
            using var file = File.OpenHandle($"/run/netns/{_name}");
            if (SetNamespace((int)file.DangerousGetHandle(), CloneNewNet) != 0)
                throw new InvalidOperationException($"setns {_name}: {Marshal.GetLastPInvokeErrorMessage()}");
            SynchronizationContext.SetSynchronizationContext(new Context(_calls));
            entered.SetResult();
        }
        catch (Exception e)
        {
            entered.SetException(e);
            return;
        }

        foreach (var (call, state) in _calls.GetConsumingEnumerable()) call(state);
    }

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNamespace(int descriptor, int type);

    private sealed class Context(BlockingCollection<(SendOrPostCallback Call, object? State)> calls) : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state)
        {
            if (!calls.IsAddingCompleted) calls.Add((d, state));
        }
    }
}
