using System.Diagnostics;

namespace CN2.VRouter.Relay;

/// <summary>Lets so many pass each second, and after a pause as many at once. For one thread.</summary>
internal sealed class RateLimit
{
    private readonly int _perSecond;
    private double _left;
    private long _last;

    public RateLimit(int perSecond)
    {
        _perSecond = perSecond;
        _left = perSecond;
    }

    /// <param name="now"><see cref="Stopwatch.GetTimestamp"/>; never less than in the call before.</param>
    /// <param name="count">All of them pass, or none.</param>
    public bool Take(long now, int count = 1)
    {
        _left = Math.Min(_perSecond, _left + (Stopwatch.GetElapsedTime(_last, now).TotalSeconds * _perSecond));
        _last = now;
        if (_left < count) return false;
        _left -= count;
        return true;
    }
}
