namespace CN2.Network.Selection;

/// <summary>
/// An ExternalNetworkSelector. <paramref name="NamespaceSelector"/> null: networks are looked for in the Service's own namespace only.
/// </summary>
public sealed record NetworkSelector(string Name, LabelSelector? Networks, LabelSelector? NamespaceSelector);
