using System.Runtime.CompilerServices;
using System.Threading.RateLimiting;
using CN2.Network.Sequencing;
using Grpc.Core;

namespace CN2.Api.Drivers.VRouterStream;

/// <summary>The agents connected to this replica, by name; of an agent that connects again the newest stream counts.</summary>
internal sealed class VRouterStreamPublisher(TimeProvider time) : IVRouterPublisher, IDisposable
{
    /// <summary>So often an agent may connect in a row; then once a second. Each time it gets its whole configuration.</summary>
    public const int ConnectBurst = 5;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, VRouterSession> _sessions = [];
    private readonly List<IVRouterListener> _listeners = [];

    /// <summary>It forgets a name whose bucket is full again.</summary>
    private readonly PartitionedRateLimiter<string> _connects = PartitionedRateLimiter.Create<string, string>(name => RateLimitPartition.GetTokenBucketLimiter(
        name, _ => new TokenBucketRateLimiterOptions { TokenLimit = ConnectBurst, TokensPerPeriod = 1, ReplenishmentPeriod = TimeSpan.FromSeconds(1), QueueLimit = 1 }));

    /// <summary>What agents understand → the last change, encoded for them; null: it is too large for them.</summary>
    private readonly Dictionary<VRouterKnowledge, IReadOnlyList<EncodedMessage>?> _encoded = [];

    /// <summary><see cref="VRouterDelta.CommonNatEntries"/> → what it is encoded, for as long as somebody refers to it.</summary>
    private readonly ConditionalWeakTable<NatEntryChanges, Dictionary<(ulong Revision, VRouterKnowledge Knows), IReadOnlyList<EncodedMessage>>> _encodedCommon = [];
    private readonly StreamTurns _turns = new(time);
    private VRouterDelta? _encodedDelta;
    private ulong _encodedRevision;

    private long _snapshots;
    private long _deltas;
    private long _natEntriesSent;
    private long _sentOn;

    public VRouterPublisherCounters Counters => new(
        Interlocked.Read(ref _snapshots),
        Interlocked.Read(ref _deltas),
        Interlocked.Read(ref _natEntriesSent))
    {
        SentOn = Interlocked.Read(ref _sentOn),
    };

    /// <summary>Agents that are connected already are told to it at once.</summary>
    public void Listen(IVRouterListener listener)
    {
        lock (_lock)
        {
            _listeners.Add(listener);
            foreach (var session in _sessions.Values) listener.Connected(session.Hello);
        }
    }

    public void Publish(string name, ulong revision, VRouterConfig config)
    {
        if (Session(name) is not { } session) return;
        session.EnqueueWhole(VRouterSnapshot.Encode(revision, config, session.Knows.Inside));
        Interlocked.Increment(ref _snapshots);
        Interlocked.Add(ref _natEntriesSent, config.NatEntries.Count);
    }

    public bool Publish(string name, ulong revision, VRouterDelta delta) => Publish(name, revision, delta, static (session, parts) => session.Enqueue(parts));

    public bool PublishInTurn(string name, ulong revision, VRouterDelta delta) => Publish(name, revision, delta, (session, parts) =>
    {
        if (session.Hold(parts)) _turns.Add(session);
    });

    private bool Publish(string name, ulong revision, VRouterDelta delta, Action<VRouterSession, IReadOnlyList<EncodedMessage>> queue)
    {
        if (Session(name) is not { HasSnapshot: true } session) return true;
        if (Encode(revision, delta, session.Knows) is not { } parts) return false;
        queue(session, parts);
        Interlocked.Increment(ref _deltas);
        Interlocked.Add(ref _natEntriesSent, delta.NatEntryParts.Sum(p => p.Put.Count));
        return true;
    }

    /// <summary>A change that is the same for many agents is encoded once for those that understand the same.</summary>
    private IReadOnlyList<EncodedMessage>? Encode(ulong revision, VRouterDelta delta, VRouterKnowledge knows)
    {
        lock (_encoded)
        {
            if (!ReferenceEquals(_encodedDelta, delta) || _encodedRevision != revision) _encoded.Clear();
            (_encodedDelta, _encodedRevision) = (delta, revision);
            if (!_encoded.TryGetValue(knows, out var parts)) _encoded[knows] = parts = EncodeNew(revision, delta, knows);
            return parts;
        }
    }

    /// <summary>Under the lock of <see cref="_encoded"/>.</summary>
    private List<EncodedMessage>? EncodeNew(ulong revision, VRouterDelta delta, VRouterKnowledge knows)
    {
        var parts = VRouterMessages.Deltas(revision, delta, knows.Parts, knows.Inside)?.Select(EncodedMessage.Of).ToList();
        if (parts is null || delta.CommonNatEntries is not { } common) return parts;
        if (!knows.Parts) return null;
        var encoded = _encodedCommon.GetOrCreateValue(common);
        if (!encoded.TryGetValue((revision, knows), out var first))
            encoded[(revision, knows)] = first = [.. VRouterMessages.FirstParts(revision, common, knows.Inside).Select(EncodedMessage.Of)];
        return [.. first, .. parts];
    }

    public void End(VRouterHello hello, string reason) => Session(hello)?.End(reason);

    public bool SendOn(VRouterHello hello, string reason)
    {
        if (Session(hello) is not { } session) return false;
        session.End(reason, StatusCode.ResourceExhausted);
        Interlocked.Increment(ref _sentOn);
        return true;
    }

    public bool EndVanished(VRouterHello hello, string reason)
    {
        if (Session(hello) is not { HasVanished: true } session) return false;
        session.End(reason);
        return true;
    }

    /// <summary>Replaces what is in the list by the sessions of this moment.</summary>
    public void CopySessions(List<VRouterSession> sessions)
    {
        sessions.Clear();
        lock (_lock) sessions.AddRange(_sessions.Values);
    }

    /// <summary>Ends the connections whose certificates are worth nothing any more.</summary>
    /// <param name="endOf">Why it is worth nothing; null: it is worth something.</param>
    public void EndWorthless(Func<VRouterIdentity, string?> endOf)
    {
        List<VRouterSession> sessions;
        lock (_lock) sessions = [.. _sessions.Values];
        foreach (var session in sessions)
        {
            if (session.Identity is { } identity && endOf(identity) is { } reason) session.End(reason, StatusCode.Unauthenticated);
        }
    }

    /// <summary>The connection of this name; null: there is none.</summary>
    public VRouterHello? HelloOf(string name) => Session(name)?.Hello;

    /// <summary>Another agent with the same name that is connected and alive; null: there is none. The same agent takes the place of its earlier stream.</summary>
    public VRouterHello? RivalOf(VRouterHello hello)
    {
        lock (_lock) return Rival(hello);
    }

    /// <summary>Waits until an agent of this name may connect; at most a second. False: another attempt waits already.</summary>
    public async Task<bool> MayConnectAsync(string name, CancellationToken cancellation)
    {
        using var lease = await _connects.AcquireAsync(name, 1, cancellation);
        return lease.IsAcquired;
    }

    /// <summary>
    /// The stream takes the place of an earlier one of the same agent, or of one that is silent; listeners hear the end of that first. False:
    /// another agent with this name is alive.
    /// </summary>
    public bool TryAdd(VRouterSession session)
    {
        lock (_lock)
        {
            if (Rival(session.Hello) is not null) return false;
            if (_sessions.Remove(session.Hello.Name, out var former))
            {
                former.End($"the agent {session.Hello.Name} has connected again");
                foreach (var listener in _listeners) listener.Disconnected(session.Hello.Name);
            }

            _sessions.Add(session.Hello.Name, session);
            foreach (var listener in _listeners) listener.Connected(session.Hello);
            return true;
        }
    }

    public void Remove(VRouterSession session)
    {
        lock (_lock)
        {
            if (!Current(session)) return;
            _sessions.Remove(session.Hello.Name);
            foreach (var listener in _listeners) listener.Disconnected(session.Hello.Name);
        }
    }

    /// <summary>Passes on what an agent tells, unless another stream has taken its place.</summary>
    public void Tell(VRouterSession session, Action<IVRouterListener> tell)
    {
        lock (_lock)
        {
            if (!Current(session)) return;
            foreach (var listener in _listeners) tell(listener);
        }
    }

    public void Dispose()
    {
        _connects.Dispose();
        _turns.Dispose();
    }

    private VRouterHello? Rival(VRouterHello hello) =>
        _sessions.GetValueOrDefault(hello.Name) is { IsAlive: true } session && !session.Hello.IsSameAgent(hello) ? session.Hello : null;

    private bool Current(VRouterSession session) => _sessions.GetValueOrDefault(session.Hello.Name) == session;

    /// <summary>The session that began with this hello; null: it does not count any more.</summary>
    private VRouterSession? Session(VRouterHello hello) => Session(hello.Name) is { } session && ReferenceEquals(session.Hello, hello) ? session : null;

    private VRouterSession? Session(string name)
    {
        lock (_lock) return _sessions.GetValueOrDefault(name);
    }
}
