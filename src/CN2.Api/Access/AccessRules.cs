using System.Collections.Frozen;

namespace CN2.Api.Access;

/// <summary>Who may do what (docs/contract.md §7, Roles): one rule for each resource. What has no rule, nobody may do.</summary>
public static class AccessRules
{
    private static readonly FrozenDictionary<AccessResource, AccessRule> Rules = new Dictionary<AccessResource, AccessRule>
    {
        [AccessResource.Namespaces] = new(AccessScope.Namespace, Role.Viewer, Role.Operator),
        [AccessResource.Grants] = new(AccessScope.Namespace, Role.Viewer, Role.Operator),
        [AccessResource.ExternalNetworks] = new(AccessScope.Shared, Role.Viewer, Role.Editor),
        [AccessResource.NetworkRoutes] = new(AccessScope.Namespace, Role.Viewer, null),
        [AccessResource.VirtualNetworks] = new(AccessScope.Namespace, Role.Viewer, Role.Editor),
        [AccessResource.Services] = new(AccessScope.Namespace, Role.Viewer, Role.Editor),
        [AccessResource.FloatingIPs] = new(AccessScope.Namespace, Role.Viewer, Role.Editor),
        [AccessResource.VirtualMachineInterfaces] = new(AccessScope.Namespace, Role.Viewer, Role.Editor),
        [AccessResource.ServiceHealthChecks] = new(AccessScope.Namespace, Role.Viewer, Role.Editor),
        [AccessResource.Events] = new(AccessScope.Namespace, Role.Viewer, null),
        [AccessResource.Watch] = new(AccessScope.Namespace, Role.Viewer, null),
        [AccessResource.ExternalNetworkSelectors] = new(AccessScope.Cluster, Role.Viewer, Role.Operator),
        [AccessResource.BgpRouters] = new(AccessScope.Cluster, Role.Viewer, Role.Operator),
        [AccessResource.VirtualRouters] = new(AccessScope.Cluster, Role.Viewer, Role.Operator),
        [AccessResource.JoinTokens] = new(AccessScope.Cluster, Role.Operator, Role.Operator),
        [AccessResource.ControlNodes] = new(AccessScope.Cluster, Role.Viewer, Role.Operator),
        [AccessResource.Metrics] = new(AccessScope.Cluster, Role.Viewer, null),
        [AccessResource.Tokens] = new(AccessScope.Cluster, Role.Admin, Role.Admin),
        [AccessResource.RoleBindings] = new(AccessScope.Cluster, Role.Admin, Role.Admin),
        [AccessResource.AuditLog] = new(AccessScope.Cluster, Role.Admin, null),
    }.ToFrozenDictionary();

    /// <summary>Decides without a look at what exists.</summary>
    /// <param name="rights">Of the caller.</param>
    /// <param name="verb">What it wants to do.</param>
    /// <param name="resource">With what.</param>
    /// <param name="ns">Where; null: in all namespaces, or the resource belongs to none.</param>
    public static AccessDecision Decide(CallerRights rights, AccessVerb verb, AccessResource resource, string? ns)
    {
        if (!Rules.TryGetValue(resource, out var rule) || (verb.IsRead() ? rule.Read : rule.Write) is not { } needed) return AccessDecision.Refused;
        if (rights.Everywhere >= needed) return AccessDecision.Allowed;
        if (rule.Scope == AccessScope.Cluster) return AccessDecision.Refused;
        if (ns is not null && rights.In(ns) >= needed && !IsOfAllNamespaces(needed)) return AccessDecision.Allowed;
        var mayFilter = ns is null ? verb.IsRead() : rule.Scope == AccessScope.Shared && verb == AccessVerb.Get;
        return mayFilter && rights.Namespaces.Count > 0 ? AccessDecision.Filtered : AccessDecision.Refused;
    }

    /// <summary>The caller may do it in some namespace at least.</summary>
    public static bool MaySomewhere(CallerRights rights, AccessVerb verb, AccessResource resource) =>
        Decide(rights, verb, resource, null) == AccessDecision.Allowed || rights.Namespaces.Keys.Any(ns => Decide(rights, verb, resource, ns) == AccessDecision.Allowed);

    /// <summary>A binding of these roles to single namespaces cannot be made; one that somebody wrote into the database gives no more than an editor.</summary>
    private static bool IsOfAllNamespaces(Role role) => role >= Role.Operator;
}
