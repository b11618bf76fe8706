namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// Bounds how often the routes of one peer are read again, so that one with many routes whose session is lost again and again does not keep
/// the others waiting: reading takes at most a part of the time. Not thread-safe.
/// </summary>
internal sealed class ReadingPace(TimeProvider time)
{
    /// <summary>After a reading, a pause of this many times what it took.</summary>
    public const int Share = 10;

    private readonly Dictionary<string, (long Ended, TimeSpan Pause)> _last = [];

    public bool IsDue(string peer) => !_last.TryGetValue(peer, out var last) || time.GetElapsedTime(last.Ended) >= last.Pause;

    /// <summary>A reading has ended that began at <paramref name="began"/>, a timestamp.</summary>
    public void Note(string peer, long began) => _last[peer] = (time.GetTimestamp(), time.GetElapsedTime(began) * Share);
}
