namespace CN2.VRouter.Overlay.Forwarding;

/// <summary>New tables on their way to the threads that forward: done when each has taken them and none looks at the ones before.</summary>
internal sealed class Handover(ForwardingTables tables, int threads)
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _waitedFor = threads;

    public ForwardingTables Tables { get; } = tables;

    public Task Done => _done.Task;

    /// <summary>Once by each thread.</summary>
    public void Taken()
    {
        if (Interlocked.Decrement(ref _waitedFor) == 0) _done.TrySetResult();
    }
}
