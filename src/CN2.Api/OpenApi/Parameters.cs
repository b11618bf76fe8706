using System.Globalization;
using System.Text.Json.Nodes;
using CN2.Api.Http;
using Microsoft.OpenApi;

namespace CN2.Api.OpenApi;

/// <summary>The query parameters and headers that an action reads from the request itself.</summary>
internal static class Parameters
{
    public static IEnumerable<OpenApiParameter> Of(OperationFacts facts)
    {
        if (facts.Kind == OperationKind.List)
        {
            yield return Query("limit", "Items in a page.", new OpenApiSchema
            {
                Type = JsonSchemaType.Integer,
                Minimum = "1",
                Maximum = ListQuery.MaxLimit.ToString(CultureInfo.InvariantCulture),
                Default = ListQuery.DefaultLimit,
            });
            yield return Query("cursor", "`nextCursor` of the page before; absent for the first page.", Text());
            if (facts.Id is not ("ListEvents" or "ListExternalNetworkRoutes" or "ListAudit"))
                yield return Query("labelSelector", "Only resources with these labels, in the syntax of Kubernetes: `a=b,c!=d,e in (x,y),!f`.", Text());
        }

        if (facts.Id == "ListEvents") yield return Query("regarding", "Only events of one resource: `collection/namespace/name`, or `collection/name`.", Text(), "services/ns1/my-service");
        if (facts.Id == "ListAudit")
        {
            yield return Query("caller", "Only entries of the caller of this name.", Text(), "portal");
            yield return Query("namespace", "Only entries about what is in this namespace.", Text(), "ns1");
            yield return Query("name", "Only entries about what has this name.", Text(), "my-service");
            yield return Query("resource", "Only entries about this collection, or this kind that only the Kubernetes API has.", Text(), "services");
            yield return Query("requestId", "Only entries of the request with this `X-Request-Id`.", Text(), "0193953aa1c47f0e9d5c1b1c64a7a1f2");
            yield return Query("from", "Only entries at this time or later (RFC 3339).", Time(), "2026-12-01T00:00:00Z");
            yield return Query("to", "Only entries before this time (RFC 3339).", Time(), "2026-12-02T00:00:00Z");
        }

        if (facts.Id is "ListAllFloatingIPs" or "ListFloatingIPs") yield return Query("address", "Only the FloatingIPs that hold this address.", Text());
        if (facts.Kind == OperationKind.Watch)
        {
            yield return Query("kinds", "Collections, separated by commas; absent: all.", Text(), "services,floating-ips");
            yield return Query("namespace", "Only resources of this namespace; absent: of all namespaces.", Text(), "ns1");
            yield return Header("Last-Event-ID", "The id of the last event that the client has seen. The stream continues after it.");
        }

        if (facts.Writes) yield return Query("dryRun", "true: the same checks and the same answer, but nothing is kept.", new OpenApiSchema { Type = JsonSchemaType.Boolean, Default = false });
        if (facts.Kind is OperationKind.Create or OperationKind.Batch or OperationKind.Action)
            yield return Header("Idempotency-Key", "A key that the client chooses. It is kept for 24 hours.");
        if (facts.Kind is OperationKind.Replace or OperationKind.Patch or OperationKind.Delete)
            yield return Header("If-Match", "The `ETag` (quoted generation) that this write is based on; absent: no check.");
    }

    private static OpenApiSchema Time() => new() { Type = JsonSchemaType.String, Format = "date-time" };

    private static OpenApiSchema Text() => new() { Type = JsonSchemaType.String };

    private static OpenApiParameter Query(string name, string description, OpenApiSchema schema, string? example = null) =>
        new() { Name = name, In = ParameterLocation.Query, Description = description, Schema = schema, Example = example is null ? null : JsonValue.Create(example) };

    private static OpenApiParameter Header(string name, string description) =>
        new() { Name = name, In = ParameterLocation.Header, Description = description, Schema = Text() };
}
