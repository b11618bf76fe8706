using CN2.Network.Resources;

namespace CN2.Network.Selection;

/// <summary>What selection needs of an ExternalNetwork.</summary>
public sealed record NetworkCandidate(Guid Uid, NamespacedName Id, IReadOnlyDictionary<string, string> Labels, int Priority, bool AutoAssign, NetworkAccess? Access = null)
{
    /// <summary>Who may use it; everybody by default.</summary>
    public NetworkAccess Access { get; } = Access ?? NetworkAccess.Everybody;
}
