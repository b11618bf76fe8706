using CN2.Api.Data;
using CN2.Api.Drivers;
using CN2.Api.Threading;

namespace CN2.Api.Reconcile;

/// <summary>
/// Writes every <see cref="ControlNodeStore.BeatInterval"/>, and when a BGP session changes, that this replica is alive and which sessions
/// it has; reads the same of the others. Runs on a task of its own and hands each result to the loop as a <see cref="ReplicaView"/>.
/// </summary>
internal sealed partial class ReplicaHeartbeat(
    IControlNodeStore store, IBgpSpeaker speaker, HeldLease leadership, LoopInbox inbox, SelfDescription self, TimeProvider time, ILogger<ReplicaHeartbeat> logger) : IReconcileTask
{
    private readonly AsyncSignal _sessionsChanged = new();
    private volatile int _restartTimeSeconds;

    /// <summary>The sessions as they were last written.</summary>
    private Dictionary<string, BgpSession> _written = [];
    private volatile bool _mustRewrite;
    private bool _hadOthers;
    private bool _hasBeaten;

    /// <summary>How long after a write failed the database may still carry it out: longer than any statement of the control loop is waited for.</summary>
    public static readonly TimeSpan LateWrites = TimeSpan.FromSeconds(10);

    /// <summary>When a heartbeat failed last.</summary>
    private long? _failedAt;

    /// <summary>The sessions of the others were read once.</summary>
    private bool _hasRead;

    /// <summary>The row of this replica was missing at a heartbeat whose result the loop does not have yet.</summary>
    private bool _wasUnknown;

    /// <summary>This control node's name.</summary>
    public string ControlNode => self.Name;

    /// <summary>How long routers may hold this replica's routes after it is gone: the largest restart time of its peers. May be called from any thread.</summary>
    public void SetRestartTime(int seconds) => _restartTimeSeconds = seconds;

    /// <summary>
    /// The first heartbeat, before the announcement rows of an earlier run are read: from then on nobody can declare this replica dead
    /// without its noticing that the rows are gone.
    /// </summary>
    public async Task EnterAsync(CancellationToken ct)
    {
        await store.BeatAsync(self.Now(_restartTimeSeconds), null, [], ct);
        _hasBeaten = true;
    }

    /// <summary>The sessions that an earlier run of this control node wrote last; asked for before <see cref="RunAsync"/>.</summary>
    public async Task<IReadOnlyCollection<BgpSession>> LastSessionsAsync(CancellationToken ct) =>
        [.. (await store.SessionsAsync(ct)).Where(d => d.ControlNode == self.Name).SelectMany(d => SessionDocument.Read(d.Sessions))];

    /// <summary>The database may have other sessions than those that were written. May be called from any thread.</summary>
    public void RewriteSessions()
    {
        _mustRewrite = true;
        _sessionsChanged.Set();
    }

    public async Task RunAsync(CancellationToken ct)
    {
        speaker.Changed += _sessionsChanged.Set;
        try
        {
            while (true)
            {
                try
                {
                    await BeatAsync(ct);
                }
                catch (Exception e) when (!e.IsStop(ct))
                {
                    LogBeatFailed(e.Message);
                }

                await _sessionsChanged.WaitAsync(ControlNodeStore.BeatInterval, time, ct);
            }
        }
        finally
        {
            speaker.Changed -= _sessionsChanged.Set;
        }
    }

    private async Task BeatAsync(CancellationToken ct)
    {
        var sessions = speaker.Sessions.ToDictionary(s => s.Peer);
        var changed = sessions.Where(s => _written.GetValueOrDefault(s.Key) != s.Value).Select(s => s.Key).Concat(_written.Keys.Except(sessions.Keys)).ToList();
        var rewrite = _mustRewrite;
        _mustRewrite = false;
        if (rewrite) changed = [.. changed.Union(sessions.Keys)];
        // A failed heartbeat that the database carries out late must not leave the sessions that it names.
        var repeat = _failedAt is { } at && time.GetElapsedTime(at) < LateWrites;
        bool hasOthers, unknown;
        try
        {
            (hasOthers, unknown) = await store.BeatAsync(
                self.Now(_restartTimeSeconds), rewrite || repeat || changed.Count > 0 ? SessionDocument.Write(sessions.Values) : null, changed, ct);
        }
        catch
        {
            _mustRewrite |= rewrite;
            _failedAt = time.GetTimestamp();
            throw;
        }

        _wasUnknown |= unknown;
        _written = sessions;
        // The row that was made anew has no sessions: those that do not change were not written with it. Once, because it is unknown until its rows are read.
        if (unknown && _hasBeaten && changed.Count == 0 && !rewrite) RewriteSessions();
        // The first time also when nobody is there: what a control node that is gone had does not change any more.
        var documents = hasOthers || _hadOthers || !_hasRead ? await store.SessionsAsync(ct) : [];
        _hasRead = true;

        inbox.Post(new ReplicaView(
            hasOthers,
            // A replica that was alone has saved rows without change rows, and one that was believed gone has lost its rows.
            MustIntroduce: hasOthers && (!_hadOthers || _wasUnknown),
            RowsLost: _wasUnknown && _hasBeaten,
            Sessions(isAlive: true))
        {
            Gone = Sessions(isAlive: false),
            OthersTakingAgents = documents.Count(d => d.ControlNode != self.Name && d.IsAlive && d.TakesAgents),
        });
        _hadOthers = hasOthers;
        _hasBeaten = true;
        _wasUnknown = false;
        if (leadership.Current is { } lease) await store.ForgetGoneAsync(lease, leadership.InContact, ct);
        self.FeedLag.Follow(await store.OldestTransactionAsync(ct));

        Dictionary<string, IReadOnlyList<BgpSession>> Sessions(bool isAlive) =>
            documents.Where(d => d.ControlNode != self.Name && d.IsAlive == isAlive).ToDictionary(d => d.ControlNode, d => SessionDocument.Read(d.Sessions));
    }

    [LoggerMessage(EventId = 227, Level = LogLevel.Warning, Message = "This replica could not write that it is alive: {Reason}")]
    private partial void LogBeatFailed(string reason);
}
