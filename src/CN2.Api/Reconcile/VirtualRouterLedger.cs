using CN2.Network.Sequencing;

namespace CN2.Api.Reconcile;

/// <summary>
/// What every vRouter was told and has acknowledged. An agent that dialled this replica is followed by revision; one that dialled
/// another replica by the feed position that replica says it has applied.
/// </summary>
public sealed class VirtualRouterLedger : IAcknowledgements
{
    private readonly Dictionary<string, Account> _accounts = [];
    private readonly Func<Guid, string, bool> _announcedElsewhere;
    private long _toldUpTo;

    public VirtualRouterLedger(Func<Guid, string, bool> announcedElsewhere) => _announcedElsewhere = announcedElsewhere;

    /// <summary>The feed position that is being worked on.</summary>
    public long Position { get; set; }

    /// <summary>
    /// No later change can be in what has been read: rows are read as they are now, which may be ahead of <see cref="Position"/>.
    /// Another replica that has come this far has seen at least as much.
    /// </summary>
    public long MarkPosition { get; set; }

    public IReadOnlyCollection<string> VirtualRouters => _accounts.Keys;

    public IEnumerable<Account> Accounts => _accounts.Values;

    public Account? Find(string name) => _accounts.GetValueOrDefault(name);

    public Account Open(string name)
    {
        if (!_accounts.TryGetValue(name, out var account)) _accounts[name] = account = new Account(name);
        return account;
    }

    public void Close(string name) => _accounts.Remove(name);

    public AckMark MarkOf(string virtualRouter, bool pending)
    {
        var last = _accounts.GetValueOrDefault(virtualRouter)?.LastRevision ?? 0;
        return new AckMark(pending ? last + 1 : last, MarkPosition);
    }

    public bool IsAcknowledged(string virtualRouter, AckMark mark) =>
        _accounts.GetValueOrDefault(virtualRouter) is { } account && account.IsAcknowledged(mark);

    public bool IsReachable(string virtualRouter) => _accounts.GetValueOrDefault(virtualRouter) is { Lost: false };

    public bool AnnouncedElsewhere(Guid floatingIP, string virtualRouter) => _announcedElsewhere(floatingIP, virtualRouter);

    /// <summary>The next revision of a vRouter: grows with the feed, also over restarts of the server.</summary>
    public ulong NextRevision(Account account)
    {
        account.LastRevision = Math.Max(account.LastRevision + 1, (ulong)Position);
        return account.LastRevision;
    }

    /// <summary>Notes that everything up to <see cref="Position"/> has been told.</summary>
    public void Flushed() => _toldUpTo = Position;

    /// <summary>What a vRouter is told now speaks of the feed after this place.</summary>
    public long ToldUpTo => _toldUpTo;

    /// <summary>One vRouter's account.</summary>
    public sealed class Account(string name)
    {
        private readonly Queue<Outstanding> _outstanding = new();
        private readonly Dictionary<Guid, AckMark> _awaited = [];
        private ulong _whole = ulong.MaxValue;

        public string Name { get; } = name;

        /// <summary>Its agent has a stream to this replica.</summary>
        public bool ConnectedHere { get; set; }

        /// <summary>Its agent has a stream to another replica that is alive.</summary>
        public bool ConnectedElsewhere { get; set; }

        public bool Lost { get; set; }
        public ulong LastRevision { get; set; }
        public ulong AppliedRevision { get; private set; }

        /// <summary>What the replica it dialled says it has applied.</summary>
        public long RemotePosition { get; private set; }

        /// <summary>Why the agent refused the last revision, or null.</summary>
        public string? Error { get; set; }

        /// <summary>What an operator should put right on the node, or null.</summary>
        public string? Message { get; set; }

        public long Repairs { get; set; }
        public string? AgentVersion { get; set; }
        public DateTimeOffset? LastSeenAt { get; set; }

        /// <summary>It takes part in "every vRouter has acknowledged": lost ones do not count (contract §3).</summary>
        public bool Counts => !Lost;

        /// <summary>Since its agent connected to this replica it has acknowledged everything once.</summary>
        public bool Answered { get; private set; }

        /// <summary>Something it was told is not acknowledged.</summary>
        public bool IsBehind => _outstanding.Count > 0;

        /// <summary>Owners that wait for it.</summary>
        public IReadOnlyCollection<Guid> Awaited => _awaited.Keys;

        public bool IsAcknowledged(AckMark mark) =>
            AppliedRevision >= mark.Revision || (!ConnectedHere && ConnectedElsewhere && RemotePosition >= mark.Position);

        /// <summary>
        /// Everything up to here is applied: <paramref name="told"/>, or what came before the oldest outstanding revision. 0 before it has
        /// acknowledged the whole configuration.
        /// </summary>
        public long AppliedPosition(long told) => !Answered ? 0 : _outstanding.TryPeek(out var oldest) ? oldest.After : told;

        /// <summary>Its agent has a stream to this replica; what it acknowledged on an earlier one it need not have any more.</summary>
        public void Connected()
        {
            ConnectedHere = true;
            Answered = false;
            AppliedRevision = 0;
            _whole = ulong.MaxValue;
        }

        /// <summary>This revision is the whole configuration on the stream it has now.</summary>
        public void ToldWhole(ulong revision) => _whole = revision;

        /// <summary>The vRouter was told something for these owners; it covers the feed after <paramref name="after"/>.</summary>
        public void Told(AckMark mark, long after, IReadOnlyCollection<Guid> owners)
        {
            foreach (var owner in owners) _awaited[owner] = mark;
            _outstanding.Enqueue(new Outstanding(mark, after, owners));
        }

        /// <summary>The agent has applied a revision; answers the owners that wait for nothing else from it.</summary>
        public IReadOnlyCollection<Guid> Applied(ulong revision)
        {
            if (revision < _whole) return []; // of an earlier stream
            Answered = true;
            AppliedRevision = Math.Max(AppliedRevision, revision);
            return Settle();
        }

        /// <summary>The replica it dialled says how far it is; answers the owners that wait for nothing else from it.</summary>
        public IReadOnlyCollection<Guid> AppliedElsewhere(long position)
        {
            RemotePosition = position;
            return Settle();
        }

        /// <summary>Has this vRouter yet to acknowledge something of the owner?</summary>
        public bool Awaits(Guid owner) => _awaited.ContainsKey(owner);

        /// <summary>It is lost: nothing is expected of it until it has everything again. Answers the owners that waited for it.</summary>
        public IReadOnlyCollection<Guid> GiveUp()
        {
            Guid[] waited = [.. _awaited.Keys];
            _outstanding.Clear();
            _awaited.Clear();
            return waited;
        }

        private List<Guid> Settle()
        {
            var done = new List<Guid>();
            while (_outstanding.TryPeek(out var oldest) && IsAcknowledged(oldest.Mark))
            {
                _outstanding.Dequeue();
                foreach (var owner in oldest.Owners)
                {
                    if (_awaited.TryGetValue(owner, out var mark) && IsAcknowledged(mark) && _awaited.Remove(owner)) done.Add(owner);
                }
            }

            return done;
        }

        private readonly record struct Outstanding(AckMark Mark, long After, IReadOnlyCollection<Guid> Owners);
    }
}
