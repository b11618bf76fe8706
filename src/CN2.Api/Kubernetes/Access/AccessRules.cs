using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Kubernetes.Tables;

namespace CN2.Api.Kubernetes.Access;

/// <summary>
/// What a caller may do. There are no callers and roles yet: everybody may do what is served. What is not served, nobody may, so that
/// <c>kubectl auth can-i</c> tells the truth.
/// </summary>
/// <param name="served">The resources with what can really be done with them.</param>
internal sealed class AccessRules(IReadOnlyList<ResourceDefinition> served)
{
    private const string All = "*";

    /// <summary>Paths beside those of resources, which can be read; a star at the end stands for all below.</summary>
    public static IReadOnlyList<string> Paths { get; } =
        ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version", "/version/"];

    /// <summary>The status of a SelfSubjectAccessReview.</summary>
    /// <param name="spec">Its spec; exactly one of resourceAttributes and nonResourceAttributes is there.</param>
    public JsonObject Review(JsonNode? spec) =>
        spec.Member("nonResourceAttributes") is JsonObject path ? Answer(ReviewPath(path)) : Answer(ReviewResource(spec.Member("resourceAttributes") as JsonObject ?? []));

    /// <summary>The status of a SelfSubjectRulesReview: the same for every namespace.</summary>
    public JsonObject Rules() => new()
    {
        ["resourceRules"] = new JsonArray([.. served.SelectMany(r => r.Subresources.Select(s => Rule(r.Group, $"{r.Plural}/{s.Name}", s.Verbs)).Prepend(Rule(r.Group, r.Plural, r.Verbs)))]),
        ["nonResourceRules"] = new JsonArray(new JsonObject { ["verbs"] = new JsonArray("get"), ["nonResourceURLs"] = Texts(Paths) }),
        ["incomplete"] = false,
    };

    /// <summary>Why it may not be done; null: it may.</summary>
    private string? ReviewResource(JsonObject asked)
    {
        var (group, version, name, part, verb) = (asked.Text("group") ?? "", asked.Text("version"), asked.Text("resource") ?? "", asked.Text("subresource"), asked.Text("verb") ?? "");
        if (name.Split('/', 2) is [var first, var second]) (name, part) = (first, part ?? second);
        var resources = served.Where(r => (group == All || r.Group == group) && (version is null or All || r.Version == version) && (name == All || r.Plural == name)).ToList();
        if (resources.Count == 0) return $"{Named(group, name)} is not served";
        var verbs = part is null or All ? resources.SelectMany(r => r.Verbs).ToList() : resources.SelectMany(r => r.Subresources).Where(s => s.Name == part).SelectMany(s => s.Verbs).ToList();
        if (verbs.Count == 0) return $"{Named(group, name)} has no subresource {part}";
        return verb == All || verbs.Contains(verb) ? null : $"{Named(group, name)}{(part is null ? "" : $"/{part}")} has no verb {verb}";
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
