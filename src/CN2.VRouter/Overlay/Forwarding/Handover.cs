namespace CN2.VRouter.Overlay.Forwarding;

/// <summary>New tables for the forwarding threads. Done when every thread uses them, and none the tables before.</summary>
internal sealed class Handover(ForwardingTables tables, int threads)
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _waitedFor = threads;

    public ForwardingTables Tables { get; } = tables;

    public Task Done => _done.Task;

    /// <summary>Called once by each thread, when it uses these tables.</summary>
    public void Taken()
    {
        if (Interlocked.Decrement(ref _waitedFor) == 0) _done.TrySetResult();
    }
}
