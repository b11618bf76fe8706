using CN2.Api.Drivers;
using CN2.Simulation.Tests.Scheduling;

namespace CN2.Simulation.Tests.Nodes;

/// <summary>The side of a control node to which agents dial. It outlives the process of the control node: without one, nobody answers.</summary>
internal sealed class Publisher(string name, Scheduler scheduler, Random random)
{
    private readonly Dictionary<string, AgentStream> _streams = [];
    private Machine? _machine;
    private IVRouterListener? _listener;

    public string Name { get; } = name;

    /// <summary>The process that listens now.</summary>
    public IVRouterPublisher Serve(Machine machine)
    {
        _machine = machine;
        _listener = null;
        return new Listening(this, machine);
    }

    /// <summary>The process was killed: its streams end.</summary>
    public void Killed()
    {
        _machine = null;
        _listener = null;
        var ended = _streams.Values.ToList();
        _streams.Clear();
        foreach (var stream in ended) stream.Break();
    }

    /// <summary>An agent dials; null: nobody answers.</summary>
    public AgentStream? Open(Node node)
    {
        if (_machine is not { IsDead: false, IsStopped: false } || _listener is not { } listener) return null;
        if (_streams.Remove(node.Name, out var former))
        {
            former.Break();
            listener.Disconnected(node.Name);
        }

        var stream = new AgentStream(node, this, scheduler, random);
        _streams[node.Name] = stream;
        listener.Connected(new VRouterHello(node.Name, node.Address, null, "simulated"));
        return stream;
    }

    public void Tell(AgentStream stream, Action<IVRouterListener> tell)
    {
        if (_listener is { } listener && _streams.GetValueOrDefault(stream.Node.Name) == stream) tell(listener);
    }

    public void Closed(AgentStream stream)
    {
        if (_streams.GetValueOrDefault(stream.Node.Name) != stream) return;
        _streams.Remove(stream.Node.Name);
        if (_listener is { } listener) listener.Disconnected(stream.Node.Name);
    }

    private sealed class Listening(Publisher publisher, Machine machine) : IVRouterPublisher
    {
        public VRouterPublisherCounters Counters => new(0, 0, 0);

        public void Listen(IVRouterListener listener)
        {
            if (publisher._machine == machine) publisher._listener = listener;
        }

        public void Publish(string name, ulong revision, VRouterConfig config)
        {
            if (publisher._machine != machine || !publisher._streams.TryGetValue(name, out var stream)) return;
            stream.HasWhole = true;
            stream.Send(revision, config, null);
        }

        public void Publish(string name, ulong revision, VRouterDelta delta)
        {
            if (publisher._machine == machine && publisher._streams.TryGetValue(name, out var stream) && stream.HasWhole) stream.Send(revision, null, delta);
        }
    }
}
