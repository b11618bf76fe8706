namespace CN2.Api.Reconcile;

/// <summary>
/// The time by which the reconciler decides when something is due. It starts at the wall clock and then follows
/// <see cref="TimeProvider.GetTimestamp"/>: it never jumps, also when an administrator sets the wall clock.
/// <para>
/// The rule for time in this folder: what is due is decided by this clock; which replica or agent is alive is decided by the database's
/// clock, because the clocks of the replicas may differ; the wall clock is only written down for people to read.
/// </para>
/// </summary>
internal sealed class LoopClock(TimeProvider time)
{
    private readonly DateTimeOffset _start = time.GetUtcNow();
    private readonly long _startTimestamp = time.GetTimestamp();

    public DateTimeOffset Now => _start + time.GetElapsedTime(_startTimestamp);
}
