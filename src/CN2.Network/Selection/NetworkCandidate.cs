using CN2.Network.Resources;

namespace CN2.Network.Selection;

/// <summary>What selection needs of an ExternalNetwork.</summary>
public sealed record NetworkCandidate(Guid Uid, NamespacedName Id, IReadOnlyDictionary<string, string> Labels, int Priority, bool AutoAssign);
