namespace CN2.Api.Data.Documents;

/// <summary>Column <c>external_network_selector.spec</c>.</summary>
public sealed record ExternalNetworkSelectorSpec(LabelSelectorBody NetworkSelector, LabelSelectorBody? NamespaceSelector);
