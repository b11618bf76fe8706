using System.Collections.Concurrent;
using CN2.Api.Drivers;
using CN2.Api.Overlay;
using CN2.Network.Resources;

namespace CN2.Api.Reconcile;

/// <summary>What agents told since the last look; the reconciler empties it on its own task.</summary>
public sealed class AgentInbox(Action wake, OverlayMetrics metrics) : IVRouterListener
{
    private readonly ConcurrentQueue<AgentNote> _notes = new();

    public bool TryTake(out AgentNote note) => _notes.TryDequeue(out note!);

    public void Connected(VRouterHello hello) => Add(new AgentNote.Connected(hello));

    public void Disconnected(string name)
    {
        metrics.Forget(name);
        Add(new AgentNote.Disconnected(name));
    }

    public void Applied(string name, ulong revision, string? error) => Add(new AgentNote.Applied(name, revision, error));

    public void Health(string name, IReadOnlyList<(Guid Uid, EndpointHealth Health, string? Message)> endpoints) =>
        Add(new AgentNote.Health(name, endpoints));

    public void Noticed(string name, string? message) => Add(new AgentNote.Noticed(name, message));

    public void Seen(string name, long repairs) => _notes.Enqueue(new AgentNote.Seen(name, repairs));

    /// <summary>Nothing is decided by it, so nobody is woken.</summary>
    public void Counted(string name, VRouterOverlayCounters counters) => metrics.Set(name, counters);

    private void Add(AgentNote note)
    {
        _notes.Enqueue(note);
        wake();
    }
}

/// <summary>One thing an agent told.</summary>
public abstract record AgentNote(string Name)
{
    public sealed record Connected(VRouterHello Hello) : AgentNote(Hello.Name);

    public sealed record Disconnected(string Name) : AgentNote(Name);

    public sealed record Applied(string Name, ulong Revision, string? Error) : AgentNote(Name);

    public sealed record Health(string Name, IReadOnlyList<(Guid Uid, EndpointHealth Health, string? Message)> Endpoints) : AgentNote(Name);

    public sealed record Noticed(string Name, string? Message) : AgentNote(Name);

    public sealed record Seen(string Name, long Repairs) : AgentNote(Name);
}
