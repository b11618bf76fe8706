using System.Diagnostics.CodeAnalysis;
using CN2.Network.Resources;

namespace CN2.Api.Reconcile;

/// <summary>
/// What waits for the loop. How much that is depends on the agents, and not on how often they say something while the loop is busy: of the
/// reports of one agent on one stream, a later one of the same kind takes the place of the one that waits, and a stream that has begun and ended
/// meanwhile is left out. Everything else waits in the order of arrival: the loop asked for it, or it comes every few seconds. Not thread-safe.
/// </summary>
internal sealed class WaitingEvents
{
    /// <summary>Endpoints of one agent whose health waits. Of an agent with more probes than that, or one that makes endpoints up, what is beyond is left out.</summary>
    public const int MostEndpoints = 10_000;

    private readonly LinkedList<Waiting> _events = new();
    private readonly Dictionary<string, OfAgent> _agents = [];

    public int Count => _events.Count;

    public void Add(LoopEvent loopEvent)
    {
        if (loopEvent is not AgentEvent agentEvent)
        {
            _events.AddLast(new Waiting(loopEvent));
            return;
        }

        if (!_agents.TryGetValue(agentEvent.Name, out var agent)) _agents[agentEvent.Name] = agent = new OfAgent();
        switch (agentEvent)
        {
            case AgentEvent.Connected:
                Leave(agent);
                agent.Began = _events.AddLast(new Waiting(agentEvent));
                break;
            case AgentEvent.Disconnected:
                Leave(agent);
                agent.Ended ??= _events.AddLast(new Waiting(agentEvent));
                break;
            default:
                AddReport(agent, agentEvent);
                break;
        }
    }

    public bool TryTake([NotNullWhen(true)] out LoopEvent? loopEvent)
    {
        loopEvent = null;
        if (_events.First is not { } first) return false;
        _events.RemoveFirst();
        loopEvent = first.Value.Take();
        if (loopEvent is AgentEvent { Name: var name } && _agents.TryGetValue(name, out var agent) && agent.IsNothingLeftAfter(first)) _agents.Remove(name);
        return true;
    }

    /// <summary>A stream of the agent begins or ends. Of one that the loop never saw, nothing is left; what waits of the one before comes first.</summary>
    private void Leave(OfAgent agent)
    {
        if (agent.Began is not null || agent.Ended is not null)
        {
            foreach (var report in agent.Reports.Values) _events.Remove(report);
        }

        agent.Reports.Clear();
        if (agent.Began is null) return;
        _events.Remove(agent.Began);
        agent.Began = null;
    }

    private void AddReport(OfAgent agent, AgentEvent report)
    {
        var kind = Kind.Of(report);
        if (report is AgentEvent.Applied { Error: null } && agent.Reports.Remove(kind with { IsError = true }, out var error)) _events.Remove(error); // it is over
        if (agent.Reports.TryGetValue(kind, out var waiting)) waiting.Value.Merge(report);
        else agent.Reports[kind] = _events.AddLast(new Waiting(report));
    }

    /// <param name="IsError">A revision that was refused as a whole acknowledges nothing, so it does not take the place of one that was applied.</param>
    private readonly record struct Kind(Type Type, bool IsError)
    {
        public static Kind Of(AgentEvent report) => new(report.GetType(), report is AgentEvent.Applied { Error: not null });
    }

    /// <summary>What waits of one agent, as far as later events can change it.</summary>
    private sealed class OfAgent
    {
        public LinkedListNode<Waiting>? Ended { get; set; }

        /// <summary>After <see cref="Ended"/>, if both wait.</summary>
        public LinkedListNode<Waiting>? Began { get; set; }

        /// <summary>Since the last of them.</summary>
        public Dictionary<Kind, LinkedListNode<Waiting>> Reports { get; } = [];

        public bool IsNothingLeftAfter(LinkedListNode<Waiting> taken)
        {
            if (Ended == taken) Ended = null;
            else if (Began == taken) Began = null;
            else if (taken.Value.Kind is { } kind && Reports.GetValueOrDefault(kind) == taken) Reports.Remove(kind);
            return Ended is null && Began is null && Reports.Count == 0;
        }
    }

    private sealed class Waiting(LoopEvent loopEvent)
    {
        private LoopEvent _event = loopEvent;

        /// <summary>Endpoint → its last result, once there is more than one report; null: the event has them.</summary>
        private OrderedDictionary<Guid, (Guid Uid, EndpointHealth Health, string? Message)>? _health;

        private int _leftOut;

        public Kind? Kind => _event is AgentEvent report ? WaitingEvents.Kind.Of(report) : null;

        /// <summary>A later report of the same agent and kind.</summary>
        public void Merge(AgentEvent later)
        {
            switch (later)
            {
                case AgentEvent.Health health:
                    if (_health is null) Add(((AgentEvent.Health)_event).Endpoints);
                    Add(health.Endpoints);
                    break;
                case AgentEvent.Applied applied:
                    // The last one says everything that is refused. What the earlier one acknowledges stays acknowledged.
                    _event = applied with { Revision = Math.Max(applied.Revision, ((AgentEvent.Applied)_event).Revision) };
                    break;
                case AgentEvent.Vanished vanished:
                    // Other agents do not take back what one of them has seen.
                    _event = vanished with { IsWitnessed = vanished.IsWitnessed || ((AgentEvent.Vanished)_event).IsWitnessed };
                    break;
                default:
                    _event = later;
                    break;
            }
        }

        public LoopEvent Take() => _health is null ? _event : (AgentEvent.Health)_event with { Endpoints = [.. _health.Values], LeftOut = _leftOut };

        private void Add(IReadOnlyList<(Guid Uid, EndpointHealth Health, string? Message)> endpoints)
        {
            _health ??= [];
            foreach (var endpoint in endpoints)
            {
                if (_health.Count < MostEndpoints || _health.ContainsKey(endpoint.Uid)) _health[endpoint.Uid] = endpoint;
                else _leftOut++;
            }
        }
    }
}
