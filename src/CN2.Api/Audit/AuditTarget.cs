using CN2.Api.Http;

namespace CN2.Api.Audit;

/// <summary>What the path of a request names.</summary>
/// <param name="Resource">The collection of <c>/v1</c>, such as <c>services</c>; of kinds that only the Kubernetes API has, such as <c>subnets.core.contrail.juniper.net</c>; null: neither.</param>
/// <param name="Namespace">Null: none.</param>
/// <param name="Name">Of a POST that of the body; null: none.</param>
/// <param name="Action">What follows a colon, such as <c>batch</c>, or a subresource of the Kubernetes API, such as <c>binding</c>; null: nothing.</param>
public readonly record struct AuditTarget(string? Resource, string? Namespace, string? Name, string? Action)
{
    internal static AuditTarget Of(HttpContext http)
    {
        var target = http.GetEndpoint()?.Metadata.GetMetadata<AuditedResource>() is { } known
            ? new AuditTarget(known.Name, http.GetRouteValue("ns") as string, http.GetRouteValue("name") as string, known.Action)
            : OfPath(http.Request.Path.Value ?? "");
        target = target with { Name = target.Name ?? http.Features.Get<RequestFindings>()?.Name };
        return new AuditTarget(AuditText.Clean(target.Resource, AuditText.LongName), AuditText.Clean(target.Namespace, AuditText.LongName), AuditText.Clean(target.Name, AuditText.LongName), target.Action);
    }

    /// <summary>Of <c>/v1/namespaces/ns1/services/web</c> and <c>/v1/bgp-routers/vmx1</c>.</summary>
    internal static AuditTarget OfPath(string path)
    {
        var colon = path.LastIndexOf(':');
        var action = colon > path.LastIndexOf('/') ? path[(colon + 1)..] : null;
        if (action is not null) path = path[..colon];
        var parts = path.Split('/', 7, StringSplitOptions.RemoveEmptyEntries);
        if (parts is not ["v1", ..]) return default;
        return parts switch
        {
            [_, "namespaces", var ns, var collection, ..] => new(collection, ns, parts.ElementAtOrDefault(4), AuditText.Clean(action, 64)),
            [_, var collection, ..] => new(collection, null, parts.ElementAtOrDefault(2), AuditText.Clean(action, 64)),
            _ => default,
        };
    }
}
