using CN2.Api.Http;
using CN2.Network.Resources;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace CN2.Api.OpenApi;

/// <summary>The document as a whole: what it says of itself, the tags, and the order of the paths.</summary>
internal static class DocumentDescription
{
    private const string Scheme = "bearer";

    private static readonly string[] MethodOrder = ["POST", "GET", "PUT", "PATCH", "DELETE"];

    public static async Task DescribeAsync(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        document.Info = new OpenApiInfo { Title = "CN2.Api", Version = "v1", Description = Description() };
        document.Servers = [new OpenApiServer { Url = "/", Description = "The server that this document came from." }];
        document.Components ??= new OpenApiComponents();
        document.Components.Schemas ??= new Dictionary<string, IOpenApiSchema>();
        document.Components.Schemas[Problems.Schema] = await context.GetOrCreateSchemaAsync(typeof(ProblemBody), null, cancellationToken);
        Problems.AddComponents(document);
        DocumentSchemas.Finish(document);
        Sort(document);
        // What it asks of nobody is not described here.
        document.AddComponent<IOpenApiSecurityScheme>(Scheme, new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.Http,
            Scheme = "bearer",
            Description = "An API token (`cn2_…`), or a JWT of the identity provider. A client certificate does as well. On a server with `Auth__Mode=none` nothing is needed.",
        });
        foreach (var operation in document.Paths.Values.SelectMany(p => p.Operations!.Values))
            operation.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Scheme, document)] = [] }];
    }

    private static string Description() =>
        $"""
        Load balancing and floating IPs in the manner of Juniper CN2: a Service gets an address that a real router reaches.
        The examples succeed on a fresh server when they are sent from top to bottom.

        Every answer has an `X-Request-Id`: the one of the request, when that is 1 to {Limits.RequestId} visible ASCII characters, otherwise a new one. The log and the audit log name it.

        ## Errors

        Every error is `application/problem+json` (RFC 9457). Programs branch on `code`; `detail` tells people what to do.

        {Problems.Table()}
        """;

    /// <summary>Paths in the order of the tags; in a tag first what creates, last the item, so that the examples can be sent from top to bottom.</summary>
    private static void Sort(OpenApiDocument document)
    {
        var order = Examples.Tags.Select((tag, index) => (tag, index)).ToDictionary(t => t.tag, t => t.index);
        int Place(IOpenApiPathItem path) => path.Operations!.Values.Min(o => o.Tags?.Min(t => order.GetValueOrDefault(t.Name ?? "", order.Count)) ?? order.Count);

        var present = document.Paths.Values.Select(Place).ToHashSet();
        document.Tags = new HashSet<OpenApiTag>(Examples.Tags.Where(t => present.Contains(order[t])).Select(t => new OpenApiTag { Name = t, Description = Describe(t) }));
        var sorted = document.Paths.OrderBy(p => Place(p.Value)).ThenBy(p => p.Key.EndsWith("{name}", StringComparison.Ordinal))
            .ThenBy(p => !p.Value.Operations!.ContainsKey(HttpMethod.Post)).ThenBy(p => p.Key, StringComparer.Ordinal).ToList();
        document.Paths = [];
        foreach (var (path, item) in sorted)
        {
            if (item.Operations is { } operations)
            {
                var first = operations.OrderBy(o => OperationFacts.IsSingle(path) && o.Key == HttpMethod.Put ? -1 : Array.IndexOf(MethodOrder, o.Key.Method)).ToList();
                operations.Clear();
                foreach (var (method, operation) in first) operations[method] = operation;
            }

            document.Paths[path] = item;
        }
    }

    private static string Describe(string tag) => tag switch
    {
        "Namespaces" => "They contain resources, and selectors select them by their labels.",
        "Grants" => "What a namespace may use and announce: prefixes, route targets, communities, addresses of endpoints, and how much of everything.",
        "VirtualRouters" => "The compute nodes, which are the next hops of routes. An agent that connects creates its VirtualRouter.",
        "ServiceHealthChecks" => "How an agent checks endpoints.",
        "VirtualMachineInterfaces" => "The endpoints: interfaces of pods and virtual machines on compute nodes.",
        "ExternalNetworkSelectors" => "They select the network of a Service that names none.",
        "ExternalNetworks" => "Pools of addresses that routers can reach.",
        "Services" => "An address with ports, in front of endpoints.",
        "FloatingIPs" => "Addresses in use, and reservations of users.",
        "BgpRouters" => "The external routers that learn the routes.",
        "ControlNodes" => "The replicas of CN2.Api, each with a BGP engine.",
        "RoleBindings" => "Who may do what.",
        "Tokens" => "By which programs say who they are.",
        "Watch" => "Changes as they happen.",
        "Events" => "What happened and why.",
        "Audit" => "Who wrote what, and what was refused.",
        _ => "",
    };
}
