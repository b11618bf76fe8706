namespace CN2.Api.Drivers.VRouterStream;

/// <summary>The agents connected to this replica, by name; the newest stream of a name is the one that counts.</summary>
internal sealed class VRouterStreamPublisher : IVRouterPublisher
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, VRouterSession> _sessions = [];
    private readonly List<IVRouterListener> _listeners = [];
    private long _snapshots;
    private long _deltas;
    private long _natEntriesSent;

    public VRouterPublisherCounters Counters => new(
        Interlocked.Read(ref _snapshots),
        Interlocked.Read(ref _deltas),
        Interlocked.Read(ref _natEntriesSent));

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
        var chunks = VRouterMessages.Snapshot(revision, config);
        lock (_lock) session.Enqueue(chunks);
        Interlocked.Increment(ref _snapshots);
        Interlocked.Add(ref _natEntriesSent, config.NatEntries.Count);
    }

    public void Publish(string name, ulong revision, VRouterDelta delta)
    {
        if (Session(name) is not { HasSnapshot: true } session) return;
        var message = VRouterMessages.Delta(revision, delta);
        lock (_lock) session.Enqueue(message);
        Interlocked.Increment(ref _deltas);
        Interlocked.Add(ref _natEntriesSent, delta.NatEntries.Count);
    }

    /// <summary>The stream takes the place of an earlier one of the same name; listeners hear the end of that first.</summary>
    public void Add(VRouterSession session)
    {
        lock (_lock)
        {
            if (_sessions.Remove(session.Hello.Name, out var former))
            {
                former.End($"another agent has connected as {session.Hello.Name}; names must be unique");
                foreach (var listener in _listeners) listener.Disconnected(session.Hello.Name);
            }

            _sessions.Add(session.Hello.Name, session);
            foreach (var listener in _listeners) listener.Connected(session.Hello);
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

    private bool Current(VRouterSession session) => _sessions.GetValueOrDefault(session.Hello.Name) == session;

    private VRouterSession? Session(string name)
    {
        lock (_lock) return _sessions.GetValueOrDefault(name);
    }
}
