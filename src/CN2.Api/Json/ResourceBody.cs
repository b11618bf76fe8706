using System.Text.Json.Serialization;

namespace CN2.Api.Json;

/// <summary>The first members of every resource (docs/contract.md §2); GET, the answer of a write and a watch event have the same.</summary>
public abstract record ResourceBody
{
    /// <summary>Unique in its collection and namespace: a DNS-1123 label. Resources that the product creates itself may have a DNS-1123 subdomain.</summary>
    [JsonPropertyOrder(-30)]
    public required string Name { get; init; }

    /// <summary>The namespace of the resource; absent when its kind has none.</summary>
    [JsonPropertyOrder(-29), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Namespace { get; init; }

    /// <summary>The unique identifier of the resource, a UUIDv7.</summary>
    [JsonPropertyOrder(-28)]
    public required Guid Uid { get; init; }

    /// <summary>Labels, which selectors select by.</summary>
    [JsonPropertyOrder(-27)]
    public required IReadOnlyDictionary<string, string> Labels { get; init => field = Sorted(value); }

    /// <summary>Free text that is stored with the resource.</summary>
    [JsonPropertyOrder(-26)]
    public required IReadOnlyDictionary<string, string> Annotations { get; init => field = Sorted(value); }

    /// <summary>Increases with every change of the resource except its status. In quotes, it is the ETag.</summary>
    [JsonPropertyOrder(-25)]
    public required long Generation { get; init; }

    /// <summary>When it was created, in UTC (RFC 3339).</summary>
    [JsonPropertyOrder(-24)]
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When its generation last changed, in UTC (RFC 3339).</summary>
    [JsonPropertyOrder(-23)]
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>The collection's word in paths, such as <c>services</c>.</summary>
    [JsonIgnore]
    public abstract string Collection { get; }

    /// <summary>Where it is: <c>/v1/namespaces/ns1/services/my-service</c>.</summary>
    [JsonIgnore]
    public virtual string Path => Namespace is null ? $"/v1/{Collection}/{Name}" : $"/v1/namespaces/{Namespace}/{Collection}/{Name}";

    /// <summary>Sorted, so that the answer to a write and the answer to GET have the same bytes; jsonb changes the order.</summary>
    private static IReadOnlyDictionary<string, string> Sorted(IReadOnlyDictionary<string, string> labels) =>
        labels.Count < 2 ? labels : new SortedDictionary<string, string>(labels.ToDictionary(), StringComparer.Ordinal);
}
