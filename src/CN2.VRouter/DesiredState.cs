using CN2.VRouter.V1;

namespace CN2.VRouter;

/// <summary>
/// What the control plane wants of this node, put together from the stream's messages: a Snapshot replaces all, a Delta changes what
/// it names. One bad entry never stops the rest: it is left out and told.
/// </summary>
public sealed class DesiredState
{
    private readonly List<Items> _chunks = [];
    private readonly Dictionary<Guid, ProbeTarget> _probes = [];

    public DataplaneConfig Dataplane { get; } = new();

    public IReadOnlyDictionary<Guid, ProbeTarget> Probes => _probes;

    /// <summary>The revision of the last message taken; 0: nothing is known yet.</summary>
    public ulong Revision { get; private set; }

    /// <summary>What differs from what was applied; null: anything may.</summary>
    public DataplaneChange? Change { get; private set; } = new();

    public bool ProbesChanged { get; private set; }

    /// <summary>Why entries of messages since the last <see cref="Clean"/> were left out; null: none were.</summary>
    public string? Fault { get; private set; }

    /// <summary>Nothing of a half-received snapshot counts on the next stream.</summary>
    public void Reconnected() => _chunks.Clear();

    /// <summary>Takes a message over; false when there is nothing to apply yet.</summary>
    public bool Take(ServerMessage message)
    {
        switch (message.BodyCase)
        {
            case ServerMessage.BodyOneofCase.Snapshot:
                if (message.Snapshot.Items is { } chunk) _chunks.Add(chunk);
                if (!message.Snapshot.Last) return false;
                Replace();
                Revision = message.Snapshot.Revision;
                return true;
            case ServerMessage.BodyOneofCase.Delta:
                Take(message.Delta);
                Revision = message.Delta.Revision;
                return true;
            default:
                return false;
        }
    }

    /// <summary>All of it is applied.</summary>
    public void Clean()
    {
        Change = new DataplaneChange();
        Fault = null;
    }

    /// <summary>Nobody knows what is applied.</summary>
    public void Doubt() => Change = null;

    public void ProbesTaken() => ProbesChanged = false;

    private void Replace()
    {
        Change = null;
        ProbesChanged = true;
        Fault = null;
        Dataplane.Frontends.Clear();
        Dataplane.FloatingIPs.Clear();
        _probes.Clear();
        foreach (var items in _chunks) Put(items);
        _chunks.Clear();
    }

    private void Take(Delta delta)
    {
        foreach (var key in delta.RemovedFrontends)
        {
            Try(() =>
            {
                var parsed = WireMapping.Key(key);
                Dataplane.Frontends.Remove(parsed);
                Change?.Frontends.Add(parsed);
            });
        }

        foreach (var bytes in delta.RemovedFloatingIps)
        {
            Try(() =>
            {
                var address = WireMapping.Address(bytes);
                Dataplane.FloatingIPs.Remove(address);
                Change?.FloatingIPs.Add(address);
            });
        }

        foreach (var uid in delta.RemovedProbes)
        {
            ProbesChanged = true;
            Try(() => _probes.Remove(WireMapping.Uid(uid)));
        }

        if (delta.Put is { } put) Put(put);
    }

    private void Put(Items items)
    {
        foreach (var message in items.Frontends)
        {
            Try(() =>
            {
                var frontend = WireMapping.Frontend(message);
                Dataplane.Frontends[frontend.Key] = frontend;
                Change?.Frontends.Add(frontend.Key);
            });
        }

        foreach (var bytes in items.FloatingIps)
        {
            Try(() =>
            {
                var address = WireMapping.Address(bytes);
                Dataplane.FloatingIPs.Add(address);
                Change?.FloatingIPs.Add(address);
            });
        }

        foreach (var message in items.Probes)
        {
            ProbesChanged = true;
            Try(() =>
            {
                var probe = WireMapping.Probe(message);
                _probes[probe.Uid] = probe;
            });
        }
    }

    private void Try(Action take)
    {
        try
        {
            take();
        }
        catch (FormatException e)
        {
            Fault ??= e.Message;
        }
    }
}
