using System.Text.Json;
using System.Text.Json.Nodes;
using CN2.Api.Http;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Kubernetes.Wire;

namespace CN2.Api.Kubernetes.Discovery;

/// <summary>
/// What clients learn of the API before they use it: the groups, their versions, and the resources of each. Made once from the resources that
/// are served. Clients since 1.30 ask for the aggregated form v2, before that for v2beta1, which has the same members; others read the plain
/// documents one by one.
/// </summary>
internal sealed class DiscoveryDocuments
{
    private const string AggregatedGroup = "apidiscovery.k8s.io";

    private readonly Dictionary<string, ApiDocument> _groups = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Group, string Version), ApiDocument> _resources = [];
    private readonly Dictionary<(bool IsCore, string Version), ApiDocument> _aggregated = [];

    /// <param name="served">The resources with what can really be done with them, in the order of the documents.</param>
    public DiscoveryDocuments(IReadOnlyList<ResourceDefinition> served)
    {
        var groups = served.GroupBy(r => r.Group).ToList();
        CoreVersions = Plain(new()
        {
            ["kind"] = "APIVersions",
            ["versions"] = new JsonArray([.. Versions(served.Where(r => r.Group.Length == 0)).Select(v => (JsonNode?)v)]),
            ["serverAddressByClientCIDRs"] = new JsonArray(),
        });
        Groups = Plain(new()
        {
            ["kind"] = "APIGroupList",
            ["apiVersion"] = "v1",
            ["groups"] = new JsonArray([.. groups.Where(g => g.Key.Length > 0).Select(g => PlainDiscovery.Group(g.Key, Versions(g)))]),
        });
        foreach (var group in groups)
        {
            if (group.Key.Length > 0)
            {
                var document = new JsonObject { ["kind"] = "APIGroup", ["apiVersion"] = "v1" };
                foreach (var (name, value) in PlainDiscovery.Group(group.Key, Versions(group))) document[name] = value?.DeepClone();
                _groups[group.Key] = Plain(document);
            }

            foreach (var version in group.GroupBy(r => r.Version)) _resources[(group.Key, version.Key)] = Plain(PlainDiscovery.Resources([.. version]));
        }

        foreach (var version in (string[])["v2", "v2beta1"])
        {
            foreach (var isCore in (bool[])[true, false])
            {
                var type = $"{BodyReader.Json};g={AggregatedGroup};v={version};as={AggregatedDiscovery.Kind}";
                var document = AggregatedDiscovery.List($"{AggregatedGroup}/{version}", [.. groups.Where(g => g.Key.Length == 0 == isCore)]);
                _aggregated[(isCore, version)] = new(type, JsonSerializer.SerializeToUtf8Bytes(document));
            }
        }
    }

    /// <summary><c>/api</c>, plain.</summary>
    public ApiDocument CoreVersions { get; }

    /// <summary><c>/apis</c>, plain.</summary>
    public ApiDocument Groups { get; }

    /// <summary><c>/apis/GROUP</c>; null: there is none.</summary>
    public ApiDocument? Group(string group) => _groups.GetValueOrDefault(group);

    /// <summary><c>/api/VERSION</c> (group empty) and <c>/apis/GROUP/VERSION</c>; null: there is none.</summary>
    public ApiDocument? Resources(string group, string version) => _resources.GetValueOrDefault((group, version));

    /// <summary><c>/api</c> or <c>/apis</c> in the form the client wants most; null: it takes none of them (406).</summary>
    /// <param name="isCore"><c>/api</c>.</param>
    /// <param name="accept">The header; absent: anything.</param>
    public ApiDocument? Root(bool isCore, string? accept)
    {
        foreach (var clause in Forms.AcceptClause.Parse(accept))
        {
            if (!clause.Takes(BodyReader.Json)) continue;
            if (clause.As is null) return isCore ? CoreVersions : Groups;
            if (clause is { As: AggregatedDiscovery.Kind, Group: AggregatedGroup, Version: { } version } && _aggregated.TryGetValue((isCore, version), out var document)) return document;
        }

        return null;
    }

    /// <summary>The versions of a group, the preferred one first: stable ones before alpha and beta.</summary>
    internal static IReadOnlyList<string> Versions(IEnumerable<ResourceDefinition> group) =>
        [.. group.Select(r => r.Version).Distinct().OrderBy(v => v.Length > 2)];

    private static ApiDocument Plain(JsonObject document) => new(BodyReader.Json, JsonSerializer.SerializeToUtf8Bytes(document));
}
