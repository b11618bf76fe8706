using CN2.Api.Data;
using CN2.Network.Compilation;

namespace CN2.Api.Reconcile;

/// <summary>The FloatingIPs that a replica announces or may announce, as rows (docs/adr/0010-stores-behind-interfaces.md).</summary>
internal interface IAnnouncementStore
{
    Task<IReadOnlyList<SavedAnnouncement>> LoadAsync(string controlNode, CancellationToken ct);

    Task<List<(Guid FloatingIP, string ControlNode, RouteKey[] Paths)>> OfOthersAsync(
        IDatabaseReading reading, string self, IReadOnlyCollection<Guid>? floatingIPs, CancellationToken ct);

    Task<HashSet<Guid>> SaveAsync(
        string controlNode, IReadOnlyDictionary<Guid, IReadOnlyCollection<RouteKey>?> rows, Func<Guid, RouteKey, uint> identifierOf, bool tellOthers, CancellationToken ct);

    Task<IReadOnlyCollection<(Guid FloatingIP, string ControlNode)>> RestoreAsync(
        IReadOnlyCollection<(Guid FloatingIP, string ControlNode, RouteKey[] Paths)> rows, CancellationToken ct);

    Task IntroduceAsync(string controlNode, CancellationToken ct);
}
