using CN2.Api.Data;
using CN2.Api.Drivers;
using CN2.Api.Threading;

namespace CN2.Api.Reconcile;

/// <summary>Takes the turns that the speaker asks for, in the database, and gives them back, and keeps what it owes; on a task of its own.</summary>
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

    /// <summary>How long a change of a session waits for its debt to be written.</summary>
    public static readonly TimeSpan OwePatience = TimeSpan.FromSeconds(2);

    private readonly AsyncSignal _written = new();
    private HashSet<string> _owed = [];

    /// <summary>The database reads so.</summary>
    private HashSet<string> _kept = [];

    /// <summary>How often what is owed must be written although it has not changed, because the database may have lost it, and how often that is done.</summary>
    private (int Due, int Done) _rewrites;

    /// <summary>What is owed covers the rows that may have been lost before this process.</summary>
    private bool _coversLostRows;

    /// <summary>The last statement did not come through: nobody waits until one does.</summary>
    private bool _isAway;

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

    /// <summary>Reads what an earlier run owed; called before <see cref="RunAsync"/>.</summary>
    public async Task LoadAsync(IReadOnlyCollection<BgpSession> lastSessions, CancellationToken ct)
    {
        LastSessions = lastSessions;
        (var owed, RowsLost) = await store.OwedAsync(ct);
        _kept = [.. owed];
        Owed = _owed = [.. _kept];
    }

    /// <summary>The database is not the one it was, and may have lost what was written last.</summary>
    public void DatabaseChanged()
    {
        lock (_lock) _rewrites.Due++;
        _asked.Set();
    }

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Owed { get; private set; } = [];

    /// <inheritdoc/>
    public bool RowsLost { get; private set; }

    /// <inheritdoc/>
    public IReadOnlyCollection<BgpSession> LastSessions { get; private set; } = [];

    /// <inheritdoc/>
    public async Task OweAsync(IReadOnlyCollection<string> routerAddresses, bool coversLostRows)
    {
        lock (_lock)
        {
            var isNew = coversLostRows && !_coversLostRows;
            if (_owed.SetEquals(routerAddresses) && _owed.IsSubsetOf(_kept) && !isNew) return;
            // Also when nothing else has changed: then nobody who comes after this process takes its rows for lost.
            if (isNew) (_rewrites.Due, RowsLost, _coversLostRows) = (_rewrites.Due + 1, false, true);
            _owed = [.. routerAddresses];
        }

        _asked.Set();
        var began = time.GetTimestamp();
        while (true)
        {
            var left = OwePatience - time.GetElapsedTime(began);
            lock (_lock)
            {
                if (left <= TimeSpan.Zero) _isAway = true;
                if (_isAway || (_owed.IsSubsetOf(_kept) && !MustRewrite)) return;
            }

            await _written.WaitAsync(left, time, CancellationToken.None);
        }
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
                lock (_lock) _isAway = true;
                _written.Set();
                LogFailed(e.Message);
                await Task.Delay(AskInterval, time, ct);
            }

            bool waits;
            lock (_lock) waits = _wanted.Count > 0 || MustRewrite || !_owed.SetEquals(_kept);
            if (waits) await Task.Delay(AskInterval, time, ct);
            else await _asked.WaitAsync(IdleInterval, time, ct);
        }
    }

    /// <summary>Gives back what is not needed any more, and asks for what is.</summary>
    internal async Task StepAsync(CancellationToken ct)
    {
        await WriteOwedAsync(ct);
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

    private bool MustRewrite => _rewrites.Due != _rewrites.Done;

    private async Task WriteOwedAsync(CancellationToken ct)
    {
        string[]? owed;
        int due;
        bool coversLostRows;
        lock (_lock)
        {
            owed = _owed.SetEquals(_kept) && !MustRewrite ? null : [.. _owed.Order(StringComparer.Ordinal)];
            (due, coversLostRows) = (_rewrites.Due, _coversLostRows);
        }

        if (owed is not null) await store.OweAsync(owed, coversLostRows, ct);
        lock (_lock)
        {
            if (owed is not null) (_kept, _rewrites.Done) = ([.. owed], due);
            _isAway = false;
        }

        _written.Set();
    }

    [LoggerMessage(EventId = 230, Level = LogLevel.Warning, Message = "Sessions with routers wait to be changed, because the database does not say whose turn it is: {Reason}")]
    private partial void LogFailed(string reason);
}
