using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Kubernetes.Kinds;

/// <summary>Parts that objects of <c>core.contrail.juniper.net</c> have in common (docs/facts/cn2.md §1.1).</summary>
internal static class Cn2Form
{
    private const string ApiVersion = $"{Cn2Schemas.Group}/{Cn2Schemas.Version}";

    /// <param name="kind">The kind of the object that is named.</param>
    /// <param name="ns">Its namespace; null: it has none.</param>
    /// <param name="name">Its name.</param>
    public static JsonObject Reference(string kind, string? ns, string name)
    {
        var reference = new JsonObject { ["apiVersion"] = ApiVersion, ["kind"] = kind, ["name"] = name };
        if (ns is not null) reference["namespace"] = ns;
        return reference;
    }

    /// <summary><c>default-domain, namespace, name</c>; of an object without a namespace its name alone.</summary>
    public static JsonArray FqName(string? ns, string name) => ns is null ? [name] : ["default-domain", ns, name];

    /// <summary>State, conditions and observation of a resource of <c>/v1</c>.</summary>
    public static JsonObject Status(JsonObject resource)
    {
        var shown = new JsonObject();
        if (resource["status"] is not JsonObject status) return shown;
        foreach (var member in (string[])["state", "conditions"])
        {
            if (status[member] is { } value) shown[member] = value.DeepClone();
        }

        if (FloatingIPMapping.Observation(status) is { } observation) shown["observation"] = observation;
        return shown;
    }

    /// <summary>The status of an object that waits for something.</summary>
    public static JsonObject Pending(string observation) => new() { ["state"] = "Pending", ["observation"] = observation };

    /// <summary>The name and namespace of a reference; null: it names nothing.</summary>
    /// <param name="reference">The reference, or null.</param>
    /// <param name="ns">The namespace that is meant when it says none.</param>
    public static (string Namespace, string Name)? Target(JsonNode? reference, string ns) =>
        reference is JsonObject && reference["name"]?.ToString() is { Length: > 0 } name
            ? (reference["namespace"]?.ToString() is { Length: > 0 } other ? other : ns, name) : null;

    /// <summary>Where both name the same object, the reference is shown as its writer wrote it.</summary>
    public static void RestoreReference(JsonObject target, JsonObject kept, string member, string ns)
    {
        if (Target(target[member], ns) is { } shown && Target(kept[member], ns) == shown) target[member] = kept[member]!.DeepClone();
    }
}
