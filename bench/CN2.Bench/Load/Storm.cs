using System.Diagnostics;

namespace CN2.Bench.Load;

/// <summary>Agents that connect all at the same moment, and stay until they are ended.</summary>
internal sealed class Storm : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly TaskCompletionSource _start = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly StormAgent[] _agents;
    private readonly Timer _beats;
    private long _startedAt;
    private bool _isDisposed;

    /// <param name="agents">How many.</param>
    /// <param name="make">Makes the agent with this number, which connects when the task has completed.</param>
    public Storm(int agents, Func<int, Task, StormAgent> make)
    {
        _agents = [.. Enumerable.Range(0, agents).Select(i => make(i, _start.Task))];
        _beats = new Timer(_ => Array.ForEach(_agents, a => a.Beat()), null, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(2));
    }

    /// <summary>Seconds from the start until the last connection was there, its TLS handshake done.</summary>
    public double Reached => Seconds(_agents.Max(a => a.ReachedAt));

    /// <summary>Seconds until the last agent was taken.</summary>
    public double Taken => Seconds(_agents.Max(a => a.TakenAt));

    /// <summary>Agents that were taken later than cn2-vrouter would have waited.</summary>
    public int Late => _agents.Count(a => Seconds(a.TakenAt) > StormAgent.PatienceOfAgents);

    /// <summary>Seconds until half of them were taken.</summary>
    public double HalfTaken => Seconds(_agents.Select(a => a.TakenAt).Order().ElementAt(_agents.Length / 2));

    /// <summary>Seconds until the last agent had its first snapshot.</summary>
    public double Begun => Seconds(_agents.Max(a => a.BegunAt));

    /// <summary>Completes when every agent has its first snapshot.</summary>
    /// <exception cref="TimeoutException">Not within a minute.</exception>
    public Task StartAsync()
    {
        _startedAt = Stopwatch.GetTimestamp();
        _start.SetResult();
        return Task.WhenAll(_agents.Select(a => a.Begun)).WaitAsync(Patience);
    }

    /// <exception cref="InvalidOperationException">The server has ended a stream.</exception>
    public void CheckStreams()
    {
        if (_agents.Count(a => a.HasEnded) is > 0 and var ended) throw new InvalidOperationException($"{ended} of {_agents.Length} streams of agents have ended by themselves");
    }

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        await _beats.DisposeAsync();
        _start.TrySetResult();
        await Task.WhenAll(_agents.Select(a => a.DisposeAsync().AsTask()));
    }

    private double Seconds(long at) => Stopwatch.GetElapsedTime(_startedAt, at).TotalSeconds;
}
