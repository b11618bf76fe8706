using System.Collections.Frozen;
using CN2.Api.Data;
using CN2.Api.Data.Documents;
using CN2.Api.Drivers;
using CN2.Network.Compilation;
using CN2.Network.Sequencing;

namespace CN2.Api.Reconcile;

/// <summary>
/// What was sent to every vRouter, and what each has acknowledged. An agent that dialled this replica is followed by revision; an agent
/// that dialled another replica is followed by the feed position that it has applied, as the other replica reports it.
/// </summary>
internal sealed class VirtualRouterLedger(Func<Guid, string, bool> announcedElsewhere) : IAcknowledgements
{
    private readonly Dictionary<string, Account> _accounts = [];
    private readonly AwaitedSendings _awaited = new();
    private ulong _lastRevision;

    /// <summary>What of the change feed has been read, without a transaction that was read in part.</summary>
    public FeedPosition Position { get; set; } = new(Guid.Empty, FeedSnapshot.Nothing);

    /// <summary>The readings of the feed by number: the <see cref="AckMark.FeedPosition"/> of a mark is such a number.</summary>
    public FeedLog Feed { get; } = new();

    /// <summary>What was read may not be sent as a whole yet, so nobody is told that it was applied.</summary>
    public bool IsPartial { get; set; }

    /// <summary>A node has vanished since the leader last marked vRouters as lost: it does so at once.</summary>
    public bool HasVanished { get; set; }

    public IReadOnlyCollection<string> VirtualRouters => _accounts.Keys;

    public IEnumerable<Account> Accounts => _accounts.Values;

    public Account? Find(string name) => _accounts.GetValueOrDefault(name);

    public Account Open(string name)
    {
        if (!_accounts.TryGetValue(name, out var account)) _accounts[name] = account = new Account(name, _awaited);
        return account;
    }

    public void Close(string name) => _accounts.Remove(name);

    /// <summary>Owners of changes that are there and that some vRouters are sent only in a moment: each of them counts as one that has not acknowledged.</summary>
    public IReadOnlySet<Guid> Unsent { get; set; } = FrozenSet<Guid>.Empty;

    /// <summary>
    /// Changes of this owner are on their way: some vRouters are sent them only in a moment, or are being sent them one after the other. In a moment its status would be
    /// another one.
    /// </summary>
    public bool IsBeingSent(Guid owner, DateTimeOffset now) => Unsent.Contains(owner) || _awaited.IsInTurn(owner, after: now - StatusQueue.LongestPass);

    /// <summary>What the owner waits for, where that is one thing: the same object for all owners that wait for the same. Null: it waits for several, or for nothing.</summary>
    public object? SharedWaitOf(Guid owner) => Unsent.Contains(owner) ? Unsent : _awaited.OnlyOf(owner);

    /// <summary>The vRouter has not acknowledged everything of this owner, and counts.</summary>
    public bool IsAwaitedBy(Guid owner, Account account) => account.Counts && (Unsent.Contains(owner) || account.Awaits(owner));

    /// <summary>The vRouters that have not acknowledged everything of this owner, among those that count.</summary>
    public IEnumerable<Account> AwaitedBy(Guid owner) => (Unsent.Contains(owner) ? _accounts.Values : _awaited.Of(owner)).Where(a => a.Counts);

    /// <summary>Owners for which vRouters have acknowledged something since the last call; of what others still wait for, a moment later.</summary>
    public IEnumerable<Guid> TakeAcknowledged(DateTimeOffset now) => _awaited.TakePassed(now);

    /// <summary>When to call <see cref="TakeAcknowledged"/> for what others still wait for; null: there is none.</summary>
    public DateTimeOffset? AcknowledgedInPartAt => _awaited.PartAt;

    public AckMark MarkOf(string virtualRouter, bool pending)
    {
        var last = _accounts.GetValueOrDefault(virtualRouter)?.LastRevision ?? 0;
        return new AckMark(pending ? last + 1 : last, Feed.Last);
    }

    public bool IsAcknowledged(string virtualRouter, AckMark mark) =>
        _accounts.GetValueOrDefault(virtualRouter) is { } account && account.IsAcknowledged(mark);

    public bool RefusesAny(string virtualRouter) => _accounts.GetValueOrDefault(virtualRouter) is { Refused.IsEmpty: false };

    public bool IsRefused(string virtualRouter, NatEntryKey key) => _accounts.GetValueOrDefault(virtualRouter)?.Refused.ReasonOf(key) is not null;

    public bool IsReachable(string virtualRouter) => _accounts.GetValueOrDefault(virtualRouter) is { Lost: false };

    public bool IsServedHere(string virtualRouter) => _accounts.GetValueOrDefault(virtualRouter) is { ConnectedHere: true };

    public bool AnnouncedElsewhere(Guid floatingIP, string virtualRouter) => announcedElsewhere(floatingIP, virtualRouter);

    /// <summary>The next revision, which is larger than that of each message before. It grows with the feed, so it also grows over restarts of the server.</summary>
    public ulong NextRevision() => _lastRevision = Math.Max(_lastRevision + 1, Position.Seen.Xmax);

    /// <summary>Everything up to this feed position has been sent; the next message covers what comes after it. Null: nothing was read.</summary>
    public FeedPosition? SentUpTo { get; private set; }

    /// <summary>The number of the last reading that has been sent.</summary>
    public long SentReading { get; private set; }

    /// <summary>
    /// This replica has read everything that an agent at another replica has applied. While it has not, that says nothing: the other one may
    /// have read on, past entries that were asked for in between and that a route here needs.
    /// </summary>
    public bool HasRead(FeedPosition? applied) => applied is null || Position.Seen.Includes(applied.Seen);

    /// <summary>Everything up to <see cref="Position"/> has been sent.</summary>
    public void MarkSent()
    {
        if (IsPartial) return;
        SentUpTo = Position;
        SentReading = Feed.Last;
    }

    /// <summary>The account of one vRouter.</summary>
    public sealed class Account(string name, AwaitedSendings awaited)
    {
        /// <summary>So many messages that are not acknowledged are told apart; later ones count as one.</summary>
        public const int MostOutstanding = 1000;

        private readonly Queue<Sending> _outstanding = new();

        /// <summary>What stands for all messages that are not told apart, with those of other vRouters; null: there are none.</summary>
        private Sending? _rest;

        /// <summary>The first and the last of those to this vRouter.</summary>
        private (Sending First, Sending Last) _ofRest;

        /// <summary>What was sent before this moment counts as sent in it.</summary>
        private DateTimeOffset? _patientSince;

        /// <summary>The revision of the whole configuration on the current stream; acknowledgements below it belong to an earlier stream.</summary>
        private ulong _wholeRevision = ulong.MaxValue;

        public string Name { get; } = name;

        /// <summary>The agent has a stream to this replica.</summary>
        public bool ConnectedHere { get; set; }

        /// <summary>How that stream began; null: there is none.</summary>
        public VRouterHello? Hello { get; set; }

        /// <summary>The database knows of that stream.</summary>
        public bool Recorded { get; set; }

        /// <summary>What the vRouter does not have in force although it has acknowledged it.</summary>
        public RefusedItems Refused { get; set; } = RefusedItems.None;

        /// <summary>The agent has a stream to another replica that is alive.</summary>
        public bool ConnectedElsewhere { get; set; }

        /// <summary>The replica that the agent has dialled last, as its row says.</summary>
        public string? ControlNode { get; set; }

        /// <summary>The agent has acknowledged its whole configuration to another replica.</summary>
        public bool AnsweredElsewhere { get; set; }

        public bool Lost { get; set; }

        /// <inheritdoc cref="VirtualRouterState.Held"/>
        public bool Held { get; set; }
        public ulong LastRevision { get; set; }
        public ulong AppliedRevision { get; private set; }

        /// <summary>The reading of the feed that the agent has applied, as far as the replica that it dialled reports it (<see cref="FeedLog"/>).</summary>
        public long RemoteReading { get; private set; }

        /// <summary>Why the agent refused the last revision, or null.</summary>
        public string? Error { get; set; }

        /// <summary>What an operator should correct on the node, or null.</summary>
        public string? Message { get; set; }

        /// <summary>Whether something on the node itself stops its traffic.</summary>
        public NodeForwarding Forwarding { get; set; } = NodeForwarding.NotReported;

        public long Repairs { get; set; }
        public string? AgentVersion { get; set; }
        public DateTimeOffset? LastSeenAt { get; set; }

        /// <summary>The vRouter takes part in "every vRouter has acknowledged": a lost one does not count (docs/contract.md §3).</summary>
        public bool Counts => !Lost;

        /// <summary>The agent has acknowledged its whole configuration since it connected to this replica.</summary>
        public bool Answered { get; private set; }

        /// <summary>
        /// The vRouter has acknowledged its whole configuration, to this replica since it started or to the one that it is connected to. Before that
        /// it may have what nobody has sent it: an entry of an owner that is being deleted since before the start.
        /// </summary>
        public bool HasAnswered => Answered || (ConnectedElsewhere && RemoteReading > 0);

        /// <summary>Something that was sent is not acknowledged yet.</summary>
        public bool IsBehind => Oldest is not null;

        private Sending? Oldest => !_outstanding.TryPeek(out var oldest) ? _rest is null ? null : _ofRest.First
            : _rest is not null && _ofRest.First.Mark.Revision < oldest.Mark.Revision ? _ofRest.First : oldest;

        /// <summary>
        /// The agent is connected here and has left something unacknowledged for longer than <paramref name="within"/>. A new stream changes nothing
        /// in that: otherwise an agent that connects again and again would never owe anything.
        /// </summary>
        public bool IsOverdue(DateTimeOffset now, TimeSpan within) => ConnectedHere && Oldest?.At is { } at && now - (_patientSince > at ? _patientSince : at) > within;

        /// <summary>The agent was away by no fault of its own (<see cref="Held"/>): it gets the whole time again for what it has missed.</summary>
        public void RestartPatience(DateTimeOffset now) => _patientSince = now;

        /// <summary>Messages that are not acknowledged yet, as far as they are told apart.</summary>
        public int OutstandingMessages => _outstanding.Count + (_rest is null ? 0 : 1);

        /// <summary>What is not acknowledged yet.</summary>
        public IEnumerable<Sending> Outstanding => _rest is null ? _outstanding : _outstanding.Append(_rest);

        /// <summary>Owners that wait for the vRouter.</summary>
        public IReadOnlyCollection<Guid> Awaited => [.. Outstanding.SelectMany(s => s.Owners).Distinct()];

        /// <summary>
        /// An agent that has gone to another replica is judged by what it answers there: that replica may have read less than this one, and the agent
        /// then drops what it acknowledged here.
        /// </summary>
        public bool IsAcknowledged(AckMark mark) =>
            !ConnectedHere && ConnectedElsewhere ? RemoteReading >= mark.FeedPosition : AppliedRevision >= mark.Revision;

        /// <summary>
        /// The feed position up to which everything is applied: <paramref name="sentUpTo"/>, or the position before the oldest outstanding
        /// revision. Null until the agent has acknowledged its whole configuration.
        /// </summary>
        public FeedPosition? AppliedPosition(FeedPosition? sentUpTo) => !Answered ? null : Oldest is { } oldest ? oldest.After : sentUpTo;

        /// <summary>The number of the reading of the feed that <see cref="AppliedPosition"/> is; 0 until the agent has acknowledged its whole configuration.</summary>
        public long AppliedReading(long sentReading) => !Answered ? 0 : Oldest is { } oldest ? oldest.AfterReading : sentReading;

        /// <summary>Since when something is not acknowledged; null: nothing, or that is not known.</summary>
        public DateTimeOffset? BehindSince => Oldest?.At;

        /// <summary>
        /// The agent has acknowledged something that concerns this vRouter alone, and other replicas are to know that at once: from its row, as soon as it has applied this reading.
        /// 0: there is no such thing.
        /// </summary>
        public long OwnReading { get; set; }

        /// <summary>It is one of the agents of which this is true.</summary>
        public bool IsOneOf(AgentsApplied applied) => AnsweredElsewhere && !ConnectedHere && ControlNode == applied.ControlNode && !applied.Behind.Contains(Name);

        /// <summary>The agent has a new stream to this replica. It may have lost what it acknowledged on an earlier one.</summary>
        public void Connected()
        {
            ConnectedHere = true;
            Answered = false;
            AppliedRevision = 0;
            OwnReading = 0;
            _wholeRevision = ulong.MaxValue;
        }

        /// <summary>This revision is the whole configuration on the current stream.</summary>
        public void SentWhole(ulong revision) => _wholeRevision = revision;

        public void Sent(Sending sending)
        {
            if (_outstanding.Count < MostOutstanding - 1)
            {
                _outstanding.Enqueue(sending);
                awaited.Wait(this, sending);
                return;
            }

            _ofRest = (_rest is null ? sending : _ofRest.First, sending);
            _rest = awaited.WaitForRest(this, sending);
        }

        /// <summary>The agent has applied a revision.</summary>
        public void Applied(ulong revision)
        {
            if (revision < _wholeRevision) return;
            Answered = true;
            AppliedRevision = Math.Max(AppliedRevision, revision);
            Settle();
        }

        /// <summary>The replica that the agent dialled reports what was applied; it covers this reading.</summary>
        public void AppliedElsewhere(long reading)
        {
            RemoteReading = reading;
            Settle();
        }

        /// <summary>The vRouter has not acknowledged everything of this owner yet.</summary>
        public bool Awaits(Guid owner) => awaited.Awaits(this, owner);

        /// <summary>The vRouter is lost: nothing is expected of it until its agent has the whole configuration again.</summary>
        public void GiveUp()
        {
            while (_outstanding.TryDequeue(out var sending)) awaited.Pass(this, sending);
            if (_rest is not null) awaited.Pass(this, _rest);
            _rest = null;
        }

        private void Settle()
        {
            while (_outstanding.TryPeek(out var oldest) && IsAcknowledged(oldest.Mark))
            {
                if (oldest.IsOwn) OwnReading = oldest.Mark.FeedPosition;
                awaited.Pass(this, _outstanding.Dequeue());
            }

            if (_rest is null || !IsAcknowledged(_ofRest.Last.Mark)) return;
            OwnReading = _ofRest.Last.Mark.FeedPosition;
            awaited.Pass(this, _rest);
            _rest = null;
        }
    }
}
