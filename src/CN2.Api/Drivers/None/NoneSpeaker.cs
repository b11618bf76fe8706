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

    public Task<IReadOnlyList<RefusedPath>> SetPathsAsync(IReadOnlyCollection<BgpPath> paths, CancellationToken cancellationToken) =>
        Task.FromResult(Refused(paths));

    public Task<IReadOnlyList<RefusedPath>> ChangePathsAsync(
        IReadOnlyCollection<BgpPath> add, IReadOnlyCollection<BgpPathKey> remove, CancellationToken cancellationToken) => Task.FromResult(Refused(add));

    public Task SetImportAsync(IReadOnlyCollection<RouteTarget> routeTargets, CancellationToken cancellationToken) => Task.CompletedTask;

    public IReadOnlyCollection<ImportedRouteChange> TakeImported() => [];

    public Task SetPeersAsync(IReadOnlyCollection<BgpPeer> peers, CancellationToken cancellationToken) => Task.CompletedTask;

    private static IReadOnlyList<RefusedPath> Refused(IReadOnlyCollection<BgpPath> paths) =>
        [.. from path in paths let fault = PathLimits.Fault(path) where fault is not null select new RefusedPath(path.Key, fault)];
}
