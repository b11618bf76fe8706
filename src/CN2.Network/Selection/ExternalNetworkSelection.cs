using CN2.Network.Collections;
using CN2.Network.Resources;

namespace CN2.Network.Selection;

/// <summary>Chooses the networks of a Service (<c>docs/contract.md §3</c>): the named network, else a selector, else the selector <c>default-external</c>.</summary>
public static class ExternalNetworkSelection
{
    public const string DefaultSelector = "default-external";

    /// <param name="serviceNamespace">Where the Service lives.</param>
    /// <param name="externalNetwork"><c>ns/name</c>, or <c>name</c> in the Service's namespace; null when the Service names none.</param>
    /// <param name="selectorName">Null: <see cref="DefaultSelector"/>.</param>
    /// <param name="networks">Every network, in any order.</param>
    /// <param name="selectors">Every selector.</param>
    /// <param name="namespaceLabels">The labels of every namespace, by its name.</param>
    public static NetworkSelection Choose(
        string serviceNamespace,
        string? externalNetwork,
        string? selectorName,
        IReadOnlyCollection<NetworkCandidate> networks,
        IReadOnlyCollection<NetworkSelector> selectors,
        IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> namespaceLabels)
    {
        var own = namespaceLabels.TryGetValue(serviceNamespace, out var ownLabels) ? ownLabels : LabelSet.Empty;
        if (externalNetwork is not null) return ByName(serviceNamespace, externalNetwork, networks, own);

        var name = selectorName ?? DefaultSelector;
        if (selectors.FirstOrDefault(s => s.Name == name) is not { } selector)
        {
            return None(
                ConditionReason.SelectorNotFound,
                $"ExternalNetworkSelector {name} does not exist; create it, or name a network in externalNetwork.");
        }

        var found = networks
            .Where(n => n.AutoAssign && InScope(n.Id.Namespace) && n.Access.Allows(own) && LabelSelector.Matches(selector.Networks, n.Labels))
            .OrderByDescending(n => n.Priority)
            .ThenBy(n => n.Id)
            .ToEquatableList();
        if (found.Count > 0) return new NetworkSelection(found, null, null);
        var where = selector.NamespaceSelector is null ? $"in namespace {serviceNamespace}" : $"in the namespaces of ExternalNetworkSelector {name}";
        var labels = selector.Networks is { Requirements.Count: > 0 } wanted ? $" with labels {wanted}" : "";
        return None(
            ConditionReason.NoExternalNetwork,
            $"No ExternalNetwork{labels} and autoAssign that allows the namespace exists {where}; label one, create one, or name one in externalNetwork.");

        bool InScope(string @namespace) => selector.NamespaceSelector is null
            ? string.Equals(@namespace, serviceNamespace, StringComparison.Ordinal)
            : selector.NamespaceSelector.Matches(namespaceLabels.TryGetValue(@namespace, out var l) ? l : LabelSet.Empty);
    }

    private static NetworkSelection ByName(string serviceNamespace, string externalNetwork, IReadOnlyCollection<NetworkCandidate> networks, IReadOnlyDictionary<string, string> own)
    {
        if (NamespacedName.TryParse(externalNetwork, serviceNamespace, out var id) && networks.FirstOrDefault(n => n.Id == id) is { } named)
        {
            return named.Access.Allows(own) ? new NetworkSelection([named], null, null) : None(
                ConditionReason.NetworkNotAllowed,
                $"The allowedNamespaces of ExternalNetwork {id} do not select Namespace {serviceNamespace}; name another in externalNetwork, or ask the network's owner.");
        }


        return None(
            ConditionReason.NetworkNotFound,
            $"ExternalNetwork {(id == default ? externalNetwork : id.ToString())} does not exist; create it, or name another in externalNetwork.");
    }

    private static NetworkSelection None(string reason, string message) => new([], reason, message);
}
