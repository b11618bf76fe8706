using System.Text.Json.Nodes;
using CN2.Api.Access;
using CN2.Api.Kubernetes.Kinds;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Kubernetes.Tables;

namespace CN2.Api.Kubernetes.Access;

/// <summary>
/// Answers callers who ask what they may do (<c>kubectl auth can-i</c>), by the rules that decide about requests. What is not served, nobody may do.
/// </summary>
/// <param name="served">The resources with what can really be done with them.</param>
internal sealed class AccessReviews(IReadOnlyList<ResourceDefinition> served)
{
    private const string All = "*";

    /// <summary>Paths beside those of resources, which can be read; a star at the end stands for all below.</summary>
    public static IReadOnlyList<string> Paths { get; } =
        ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version", "/version/"];

    /// <summary>The status of a SelfSubjectAccessReview.</summary>
    /// <param name="rights">Of the caller.</param>
    /// <param name="spec">Its spec; exactly one of resourceAttributes and nonResourceAttributes is there.</param>
    public JsonObject Review(CallerRights rights, JsonNode? spec) =>
        spec.Member("nonResourceAttributes") is JsonObject path ? Answer(ReviewPath(path)) : Answer(ReviewResource(rights, spec.Member("resourceAttributes") as JsonObject ?? []));

    /// <summary>The status of a SelfSubjectRulesReview.</summary>
    /// <param name="rights">Of the caller.</param>
    /// <param name="ns">Where.</param>
    public JsonObject Rules(CallerRights rights, string ns) => new()
    {
        ["resourceRules"] = new JsonArray([.. served.SelectMany(r => r.Subresources.Select(s => (Resource: r, Part: $"{r.Plural}/{s.Name}", s.Verbs)).Prepend((Resource: r, Part: r.Plural, r.Verbs)))
            .Select(r => (r.Resource, r.Part, Verbs: r.Verbs.Where(v => May(rights, r.Resource, v, r.Resource.IsNamespaced ? ns : null, null)).ToList()))
            .Where(r => r.Verbs.Count > 0).Select(r => Rule(r.Resource.Group, r.Part, r.Verbs))]),
        ["nonResourceRules"] = new JsonArray(new JsonObject { ["verbs"] = new JsonArray("get"), ["nonResourceURLs"] = Texts(Paths) }),
        ["incomplete"] = false,
    };

    /// <summary>Why it may not be done; null: it may.</summary>
    private string? ReviewResource(CallerRights rights, JsonObject asked)
    {
        var (group, version, name, part, verb) = (asked.Text("group") ?? "", asked.Text("version"), asked.Text("resource") ?? "", asked.Text("subresource"), asked.Text("verb") ?? "");
        if (name.Split('/', 2) is [var first, var second]) (name, part) = (first, part ?? second);
        var resources = served.Where(r => (group == All || r.Group == group) && (version is null or All || r.Version == version) && (name == All || r.Plural == name)).ToList();
        if (resources.Count == 0) return $"{Named(group, name)} is not served";
        var parts = resources.SelectMany(r => part is null or All ? [(Resource: r, r.Verbs)] : r.Subresources.Where(s => s.Name == part).Select(s => (Resource: r, s.Verbs))).ToList();
        if (!parts.Exists(p => p.Verbs.Count > 0)) return $"{Named(group, name)} has no subresource {part}";
        if (verb != All && !parts.Exists(p => p.Verbs.Contains(verb))) return $"{Named(group, name)}{(part is null ? "" : $"/{part}")} has no verb {verb}";
        var (ns, of) = (asked.Text("namespace") is { Length: > 0 } given and not All ? given : null, asked.Text("name") is { Length: > 0 } one ? one : null);
        // A star asks for everything that is there; a name for what each of its meanings has.
        var isAllowed = parts.TrueForAll(p => (verb == All ? p.Verbs : p.Verbs.Where(v => v == verb)).All(v => May(rights, p.Resource, v, p.Resource.IsNamespaced ? ns : null, of)));
        return isAllowed ? null : "no role binding of the caller gives it";
    }

    /// <summary>As the request itself would be decided.</summary>
    private static bool May(CallerRights rights, ResourceDefinition resource, string verb, string? ns, string? name)
    {
        if (ReferenceEquals(resource, AccessReviewSchema.Definition) || ReferenceEquals(resource, RulesReviewSchema.Definition)) return true;
        if (!Enum.TryParse<AccessVerb>(verb, ignoreCase: true, out var known)) return false;
        var target = ObjectTargetAttribute.ResourceOf(resource);
        if (target == AccessResource.Namespaces) ns = name ?? ns;
        if (target == AccessResource.FloatingIPs && name is not null) ns = FloatingIPObjectName.Split(name)?.Namespace;
        // Its namespace would be in the name; without one the question is whether there is any.
        if (target == AccessResource.FloatingIPs && name is null && known == AccessVerb.Create) return AccessRules.MaySomewhere(rights, known, target);
        return AccessRules.Decide(rights, known, target, ns) switch
        {
            AccessDecision.Allowed => true,
            AccessDecision.Filtered => known is AccessVerb.List or AccessVerb.Watch || target == AccessResource.FloatingIPs,
            _ => false,
        };
    }

    private static string? ReviewPath(JsonObject asked)
    {
        var (path, verb) = (asked.Text("path") ?? "", asked.Text("verb") ?? "");
        var isServed = Paths.Any(p => p == path || (p.EndsWith('*') && path.StartsWith(p[..^1], StringComparison.Ordinal)));
        return !isServed ? $"{path} is not served" : verb is "get" or All ? null : $"{path} can only be read";
    }

    private static JsonObject Answer(string? refusal) => refusal is null ? new() { ["allowed"] = true } : new() { ["allowed"] = false, ["reason"] = refusal };

    private static string Named(string group, string name) => group is "" or All ? name : $"{name}.{group}";

    private static JsonObject Rule(string group, string resource, IReadOnlyList<string> verbs) =>
        new() { ["verbs"] = Texts(verbs), ["apiGroups"] = new JsonArray(group), ["resources"] = new JsonArray(resource) };

    private static JsonArray Texts(IReadOnlyList<string> texts) => [.. texts.Select(t => (JsonNode?)t)];
}
