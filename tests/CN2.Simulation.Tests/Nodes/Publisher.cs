using CN2.Api.Drivers;
using CN2.Simulation.Tests.Scheduling;

namespace CN2.Simulation.Tests.Nodes;

/// <summary>The side of a control node to which agents dial. It outlives the process of the control node: without one, nobody answers.</summary>
internal sealed class Publisher(string name, Scheduler scheduler, Random random)
{
    private readonly Dictionary<string, AgentStream> _streams = [];
    private Machine? _machine;
    private IVRouterListener? _listener;
    private Func<IVRouterAdmission>? _admission;
    private int _stops;

    public string Name { get; } = name;

    /// <summary>The process that listens now.</summary>
    public IVRouterPublisher Serve(Machine machine)
    {
        _machine = machine;
        _listener = null;
        _admission = null;
        return new Listening(this, machine);
    }

    /// <summary>Who decides whether an agent may connect to the process that listens now.</summary>
    public void Admit(Func<IVRouterAdmission> admission) => _admission = admission;

    /// <summary>The process was killed: its streams end.</summary>
    public void Killed()
    {
        _machine = null;
        _listener = null;
        var ended = _streams.Values.ToList();
        _streams.Clear();
        foreach (var stream in ended) stream.Break();
    }

    /// <summary>The process is stopped: agents that hear nothing for too long leave.</summary>
    public void Stopped()
    {
        if (_machine is not { IsStopped: true } machine) return;
        var stop = ++_stops;
        scheduler.After(AgentStream.Patience, () =>
        {
            if (machine != _machine || stop != _stops || !machine.IsStopped) return;
            foreach (var stream in _streams.Values.ToList()) stream.Break();
        });
    }

    /// <summary>An agent dials; false: nobody answers. The answer comes later, or never: null is a refusal.</summary>
    public bool Dial(Node node, VRouterHello hello, Action<AgentStream?> answer)
    {
        if (_machine is not { IsDead: false, IsStopped: false } machine || _listener is null) return false;
        machine.Post(_ => _ = AdmitAsync(machine, node, hello, answer), null);
        return true;
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

    /// <summary>As <c>VRouterStreamService</c> and <c>VRouterStreamPublisher</c> do it.</summary>
    private async Task AdmitAsync(Machine machine, Node node, VRouterHello hello, Action<AgentStream?> answer)
    {
        while (true)
        {
            var rival = RivalOf(hello);
            var refusal = await _admission!().RefusalAsync(hello, rival, CancellationToken.None);
            if (machine != _machine) return;
            if (refusal is not null || rival is not null)
            {
                scheduler.After(TimeSpan.FromMilliseconds(random.Next(3)), () => answer(null));
                return;
            }

            if (RivalOf(hello) is not null) continue;
            break;
        }

        if (_listener is not { } listener) return;
        if (_streams.Remove(hello.Name, out var former))
        {
            former.Break();
            listener.Disconnected(hello.Name);
        }

        var stream = new AgentStream(node, this, hello, scheduler, random);
        _streams[hello.Name] = stream;
        stream.Accept(answer); // before everything else that it sends
        listener.Connected(hello);
    }

    private VRouterHello? RivalOf(VRouterHello hello) =>
        _streams.GetValueOrDefault(hello.Name) is { IsAlive: true } stream && !stream.Hello.IsSameAgent(hello) ? stream.Hello : null;

    private sealed class Listening(Publisher publisher, Machine machine) : IVRouterPublisher
    {
        public VRouterPublisherCounters Counters => new(0, 0, 0);

        public void Listen(IVRouterListener listener)
        {
            if (publisher._machine == machine) publisher._listener = listener;
        }

        public void Publish(string name, ulong revision, VRouterConfig config)
        {
            if (StreamOf(name) is not { } stream) return;
            stream.HasWhole = true;
            stream.Send(revision, config, null);
        }

        public bool Publish(string name, ulong revision, VRouterDelta delta)
        {
            if (StreamOf(name) is { HasWhole: true } stream) stream.Send(revision, null, delta);
            return true;
        }

        public bool PublishInTurn(string name, ulong revision, VRouterDelta delta) => Publish(name, revision, delta);

        public void End(VRouterHello hello, string reason)
        {
            if (StreamOf(hello.Name) is { } stream && ReferenceEquals(stream.Hello, hello)) stream.Break();
        }

        public bool SendOn(VRouterHello hello, string reason)
        {
            if (StreamOf(hello.Name) is not { } stream || !ReferenceEquals(stream.Hello, hello)) return false;
            stream.IsSentOn = true;
            stream.Break();
            return true;
        }

        public bool EndVanished(VRouterHello hello, string reason) => false; // no node vanishes here

        private AgentStream? StreamOf(string name) => publisher._machine == machine ? publisher._streams.GetValueOrDefault(name) : null;
    }
}
