using CN2.Network.Addressing;
using CN2.Network.Overlay;

namespace CN2.Api.Drivers.None;

/// <summary><c>Bgp:Engine=none</c>: routes are computed and shown, never sent (condition reason BgpDisabled).</summary>
public sealed class NoneSpeaker : IBgpSpeaker
{
    public bool Enabled => false;

    public bool Healthy => true;

    public IReadOnlyList<BgpSession> Sessions => [];

    public BgpSpeakerCounters Counters { get; } = new(0, 0, 0, 0);

    public event Action? Changed
    {
        add { }
        remove { }
    }

    public Task<IReadOnlyCollection<BgpPath>> StartAsync(CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyCollection<BgpPath>>([]);

    public Task SetPathsAsync(IReadOnlyCollection<BgpPath> paths, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task ChangePathsAsync(
        IReadOnlyCollection<BgpPath> add, IReadOnlyCollection<BgpPathKey> remove, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task SetImportAsync(IReadOnlyCollection<RouteTarget> routeTargets, CancellationToken cancellationToken) => Task.CompletedTask;

    public IReadOnlyCollection<ImportedRouteChange> TakeImported() => [];

    public Task SetPeersAsync(IReadOnlyCollection<BgpPeer> peers, CancellationToken cancellationToken) => Task.CompletedTask;
}
