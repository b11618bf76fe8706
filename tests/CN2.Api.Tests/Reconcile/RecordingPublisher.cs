using CN2.Api.Drivers;

namespace CN2.Api.Tests.Reconcile;

/// <summary>An <see cref="IVRouterPublisher"/> that records what is published and sends it nowhere.</summary>
internal sealed class RecordingPublisher : IVRouterPublisher
{
    public IVRouterListener? Listener { get; private set; }

    public List<(string Name, ulong Revision, VRouterConfig Config)> Configs { get; } = [];

    public List<(string Name, ulong Revision, VRouterDelta Delta)> Deltas { get; } = [];

    public VRouterPublisherCounters Counters => new(Configs.Count, Deltas.Count, 0);

    public void Listen(IVRouterListener listener) => Listener = listener;

    public void Publish(string name, ulong revision, VRouterConfig config) => Configs.Add((name, revision, config));

    public void Publish(string name, ulong revision, VRouterDelta delta) => Deltas.Add((name, revision, delta));
}
