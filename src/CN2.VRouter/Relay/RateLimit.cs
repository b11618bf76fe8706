using System.Diagnostics;

namespace CN2.VRouter.Relay;

/// <summary>Lets <paramref name="perSecond"/> pass each second, and after a pause so many at once. For one thread.</summary>
internal sealed class RateLimit(int perSecond)
{
    private double _left = perSecond;
    private long _last;

    /// <param name="now"><see cref="Stopwatch.GetTimestamp"/>; never less than in the call before.</param>
    /// <param name="count">All of them pass, or none.</param>
    public bool Take(long now, int count = 1)
    {
        _left = Math.Min(perSecond, _left + (Stopwatch.GetElapsedTime(_last, now).TotalSeconds * perSecond));
        _last = now;
        if (_left < count) return false;
        _left -= count;
        return true;
    }
}
