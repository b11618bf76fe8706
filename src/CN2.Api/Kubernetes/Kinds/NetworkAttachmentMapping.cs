using System.Text.Json;
using System.Text.Json.Nodes;
using CN2.Api.Http;

namespace CN2.Api.Kubernetes.Kinds;

/// <summary>
/// NetworkAttachmentDefinition. Its annotation <c>juniper.net/networks</c> makes an ExternalNetwork of the same name, with the Subnets
/// <c>name-v4</c> and <c>name-v6</c> (docs/facts/cn2.md §1.2); without one that names a prefix, it is kept and makes nothing. Such a network is
/// the attachment's: the VirtualNetwork of this name shows it, may edit it, and the attachment shows the edit; either deletes both. An attachment
/// whose network exists already, made otherwise, is refused (AlreadyExists), because two definitions of one network cannot both hold.
/// </summary>
internal sealed class NetworkAttachmentMapping : ObjectMapping
{
    private const string Annotation = "juniper.net/networks";
    private const string AnnotationPath = $"metadata.annotations[{Annotation}]";

    private static readonly (string Key, string Resource)[] Targets =
    [
        ("routeTargetList", "routeTargets"), ("importRouteTargetList", "importRouteTargets"), ("exportRouteTargetList", "exportRouteTargets"),
    ];

    private static readonly (string Key, string Family)[] Prefixes = [("ipamV4Subnet", "IPv4"), ("ipamV6Subnet", "IPv6")];

    /// <summary>Nothing of its own: what means something is one of its annotations.</summary>
    public override IReadOnlyList<string> Meant { get; } = [];

    public override string ToObjectPath(string path)
    {
        foreach (var (key, resource) in Targets)
        {
            if (path.StartsWith(resource, StringComparison.Ordinal)) return $"{AnnotationPath}.{key}{path[resource.Length..]}";
        }

        return path.StartsWith("subnets", StringComparison.Ordinal) ? AnnotationPath : base.ToObjectPath(path);
    }

    /// <summary>It names a prefix, so it makes a network.</summary>
    public static bool MakesNetwork(JsonObject attachment) => Networks(attachment, null) is { } networks && Prefixes.Any(p => networks[p.Key] is not null);

    /// <summary>What is wrong with an attachment, also with one that makes no network.</summary>
    public static void Check(JsonObject attachment, FaultList faults)
    {
        if (attachment["spec"]?["config"]?.ToString() is { Length: > 0 } config && Parse(config) is not JsonObject)
            faults.Add("spec.config", "must be a JSON object, a CNI configuration");
        if (Networks(attachment, faults) is not { } networks) return;
        foreach (var (key, _) in Prefixes)
        {
            if (networks[key] is { } prefix && !IsText(prefix)) faults.Add($"{AnnotationPath}.{key}", "must be a prefix as a string");
        }

        foreach (var (key, _) in Targets)
        {
            if (networks[key] is { } list && (list is not JsonArray items || !items.All(IsText))) faults.Add($"{AnnotationPath}.{key}", "must be a list of strings");
        }
    }

    public override void Restore(JsonObject target, JsonObject kept)
    {
        if (target["metadata"] is not JsonObject metadata || kept["metadata"]?["annotations"] is not JsonObject written) return;
        if (metadata["annotations"] is not JsonObject annotations) metadata["annotations"] = annotations = [];
        if (written[LastApplied] is { } applied) annotations[LastApplied] = applied.DeepClone();
        if (Networks(kept, null) is not { } before || Networks(target, null) is not { } shown) return;
        annotations[Annotation] = Same(before, shown) ? written[Annotation]!.DeepClone() : Merged(before, shown).ToJsonString();
    }

    protected override void Fill(JsonObject resource, JsonObject target)
    {
        var networks = new JsonObject();
        foreach (var (subnet, family, _) in SubnetNames.Of(resource))
        {
            var key = Prefixes.First(p => p.Family == family.ToString()).Key;
            if (!networks.ContainsKey(key)) networks[key] = subnet["cidr"]?.DeepClone();
        }

        foreach (var (key, member) in Targets)
        {
            if (resource[member] is JsonArray { Count: > 0 } targets) networks[key] = targets.DeepClone();
        }

        var metadata = (JsonObject)target["metadata"]!;
        if (metadata["annotations"] is not JsonObject annotations) metadata["annotations"] = annotations = [];
        annotations.Remove(LastApplied);
        annotations[Annotation] = networks.ToJsonString();
        target["spec"] = new JsonObject();
    }

    /// <summary>The form was checked by <see cref="Check"/>.</summary>
    protected override void Read(JsonObject source, JsonObject request, FaultList faults)
    {
        Check(source, faults);
        foreach (var member in (string[])[Annotation, LastApplied]) (request["annotations"] as JsonObject)?.Remove(member);
        if (Networks(source, null) is not { } networks) return;
        request["subnets"] = new JsonArray([.. Prefixes.Select(p => networks[p.Key]).OfType<JsonNode>().Select(p => new JsonObject { ["cidr"] = p.DeepClone() })]);
        foreach (var (key, member) in Targets) request[member] = networks[key]?.DeepClone();
    }

    private static JsonObject? Networks(JsonObject attachment, FaultList? faults)
    {
        if (attachment["metadata"]?["annotations"]?[Annotation]?.ToString() is not { Length: > 0 } text) return null;
        var networks = Parse(text) as JsonObject;
        if (networks is null) faults?.Add(AnnotationPath, "must be a JSON object such as {\"ipamV4Subnet\": \"10.0.0.0/24\"}");
        return networks;
    }

    /// <summary>Both say the same of what means something; the order of route targets has no meaning.</summary>
    private static bool Same(JsonObject one, JsonObject other) =>
        Prefixes.All(p => one[p.Key]?.ToString() == other[p.Key]?.ToString()) && Targets.All(t => Texts(one[t.Key]).SetEquals(Texts(other[t.Key])));

    /// <summary>The keys that mean something as they are now, and the others as they were written.</summary>
    private static JsonObject Merged(JsonObject written, JsonObject shown)
    {
        var merged = (JsonObject)written.DeepClone();
        foreach (var key in Prefixes.Select(p => p.Key).Concat(Targets.Select(t => t.Key)))
        {
            if (shown[key] is { } value) merged[key] = value.DeepClone();
            else merged.Remove(key);
        }

        return merged;
    }

    private static HashSet<string> Texts(JsonNode? list) => [.. (list as JsonArray ?? []).Select(t => t?.ToString() ?? "")];

    private static bool IsText(JsonNode? value) => value is JsonValue scalar && scalar.TryGetValue<string>(out _);

    private static JsonNode? Parse(string text)
    {
        try
        {
            return JsonNode.Parse(text, documentOptions: new JsonDocumentOptions { MaxDepth = CN2.Network.Resources.Limits.Nesting });
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
