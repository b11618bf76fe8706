using CN2.Api.Data;
using CN2.Api.Drivers;
using CN2.Api.Threading;

namespace CN2.Api.Reconcile;

/// <summary>Takes the turns that the speaker asks for, in the database, and gives them back, on a task of its own.</summary>
internal sealed partial class SessionTurns(ISessionTurnStore store, TimeProvider time, ILogger<SessionTurns> logger) : ISessionTurns, IReconcileTask
{
    /// <summary>How often it is asked again for a turn that another control node has.</summary>
    public static readonly TimeSpan AskInterval = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan IdleInterval = TimeSpan.FromMinutes(1);

    /// <summary>A session must be closed this soon after the turn was asked for: the rest of its time is for the router to come back.</summary>
    private static readonly TimeSpan BeginWithin = SessionTurnStore.Duration / 3;

    private readonly Lock _lock = new();
    private readonly AsyncSignal _asked = new();
    private readonly HashSet<string> _wanted = [];

    /// <summary>The turns of this control node, and when they were asked for.</summary>
    private readonly Dictionary<string, long> _held = [];
    private readonly HashSet<string> _returned = [];

    public event Action? Taken;

    /// <inheritdoc/>
    public bool TryTake(string routerAddress)
    {
        lock (_lock)
        {
            if (_held.TryGetValue(routerAddress, out var since) && time.GetElapsedTime(since) < BeginWithin) return true;
            _held.Remove(routerAddress);
            _wanted.Add(routerAddress);
        }

        _asked.Set();
        return false;
    }

    /// <inheritdoc/>
    public void GiveBack(string routerAddress)
    {
        lock (_lock)
        {
            _wanted.Remove(routerAddress);
            _held.Remove(routerAddress);
            // Also one that is just being taken.
            _returned.Add(routerAddress);
        }

        _asked.Set();
    }

    public async Task RunAsync(CancellationToken ct)
    {
        while (true)
        {
            try
            {
                await StepAsync(ct);
            }
            catch (Exception e) when (!e.IsStop(ct))
            {
                LogFailed(e.Message);
                await Task.Delay(AskInterval, time, ct);
            }

            bool waits;
            lock (_lock) waits = _wanted.Count > 0;
            if (waits) await Task.Delay(AskInterval, time, ct);
            else await _asked.WaitAsync(IdleInterval, time, ct);
        }
    }

    /// <summary>Gives back what is not needed any more, and asks for what is.</summary>
    internal async Task StepAsync(CancellationToken ct)
    {
        string[] returned, wanted;
        lock (_lock)
        {
            // What is asked for again meanwhile stays.
            _returned.ExceptWith(_wanted);
            (returned, wanted) = ([.. _returned], [.. _wanted.Order(StringComparer.Ordinal)]);
        }

        foreach (var router in returned)
        {
            await store.GiveBackAsync(router, ct);
            lock (_lock) _returned.Remove(router);
        }

        var taken = false;
        foreach (var router in wanted)
        {
            var asked = time.GetTimestamp();
            if (!await store.TakeAsync(router, ct)) continue;
            lock (_lock)
            {
                if (!_wanted.Remove(router)) continue;
                _held[router] = asked;
                taken = true;
            }
        }

        if (taken) Taken?.Invoke();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Sessions with routers wait to be changed, because the database does not say whose turn it is: {Reason}")]
    private partial void LogFailed(string reason);
}
