using System.Text.Json.Nodes;
using CN2.Api.Http;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace CN2.Api.OpenApi;

/// <summary>The OpenAPI 3.1 document at /openapi/v1.json and Swagger UI at /swagger, which asks nothing of other hosts.</summary>
public static class OpenApiRegistration
{
    public static IServiceCollection AddOpenApiDocument(this IServiceCollection services) => services.AddOpenApi("v1", options =>
    {
        options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
        options.AddSchemaTransformer(DescribeSchema);
        options.AddOperationTransformer(DescribeOperation);
        options.AddDocumentTransformer(DescribeDocument);
    });

    public static void UseOpenApiDocument(this WebApplication app)
    {
        app.MapOpenApi("/openapi/{documentName}.json");
        app.UseSwaggerUI(ui =>
        {
            ui.SwaggerEndpoint("/openapi/v1.json", "CN2.Api v1");
            ui.DocumentTitle = "CN2.Api";
            ui.RoutePrefix = "swagger";
            ui.DisplayRequestDuration();
            ui.EnableTryItOutByDefault();
        });
    }

    private static Task DescribeSchema(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        var type = Nullable.GetUnderlyingType(context.JsonTypeInfo.Type) ?? context.JsonTypeInfo.Type;
        if (type.IsEnum)
        {
            // The converter is ours, so the generator sees no shape.
            var nullable = type != context.JsonTypeInfo.Type;
            schema.Type = nullable ? JsonSchemaType.String | JsonSchemaType.Null : JsonSchemaType.String;
            schema.Enum = [.. Enum.GetNames(type).Select(n => (JsonNode)JsonValue.Create(n))];
        }
        else if (type == typeof(DateTimeOffset))
        {
            schema.Type = type == context.JsonTypeInfo.Type ? JsonSchemaType.String : JsonSchemaType.String | JsonSchemaType.Null;
            schema.Format = "date-time";
        }
        else if (type.IsAssignableTo(typeof(ResourceRequest)))
        {
            schema.AdditionalProperties = null;
            schema.AdditionalPropertiesAllowed = true; // the read-only members of the answer are accepted and ignored
        }
        else if (type == typeof(MergePatch))
        {
            schema.Type = JsonSchemaType.Object;
            schema.Description = "A JSON merge patch (RFC 7396): members given replace, null removes, objects merge, arrays are replaced whole.";
        }

        return Task.CompletedTask;
    }

    private static Task DescribeOperation(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var method = context.Description.HttpMethod ?? "GET";
        var id = operation.OperationId ?? "";
        var tag = context.Description.ActionDescriptor.EndpointMetadata.OfType<Microsoft.AspNetCore.Http.Metadata.ITagsMetadata>().SelectMany(t => t.Tags).FirstOrDefault() ?? "";
        operation.Parameters ??= [];
        foreach (var parameter in operation.Parameters.OfType<OpenApiParameter>())
        {
            if (parameter.In != ParameterLocation.Path) continue;
            parameter.Example = JsonValue.Create(parameter.Name == "ns" ? "ns1" : Examples.Name(tag, method));
            parameter.Description ??= parameter.Name == "ns" ? "The namespace." : "The resource's name.";
        }

        var listed = id.StartsWith("List", StringComparison.Ordinal);
        if (listed)
        {
            Query(operation, "limit", "Items a page, 1 to 1000; 100 by default.", JsonSchemaType.Integer);
            Query(operation, "cursor", "nextCursor of the page before.", JsonSchemaType.String);
            if (id is not ("ListEvents" or "ListExternalNetworkRoutes")) Query(operation, "labelSelector", "Kubernetes syntax: a=b,c!=d,e in (x,y),!f", JsonSchemaType.String);
        }

        if (id == "ListEvents") Query(operation, "regarding", "One resource: collection/namespace/name or collection/name.", JsonSchemaType.String, "services/ns1/my-service");
        if (id is "ListAllFloatingIPs" or "ListFloatingIPs") Query(operation, "address", "Who has this address.", JsonSchemaType.String);
        if (id == "Watch")
        {
            Query(operation, "kinds", "Collections, separated by commas; all when absent.", JsonSchemaType.String, "services,floating-ips");
            Query(operation, "namespace", "Only of this namespace.", JsonSchemaType.String, "ns1");
            Header(operation, "Last-Event-ID", "The id of the last event seen: the stream goes on after it.");
            operation.Responses = new OpenApiResponses
            {
                ["200"] = new OpenApiResponse
                {
                    Description = "Events until one side ends the stream; a comment every 15 seconds keeps it open.",
                    Content = new Dictionary<string, OpenApiMediaType> { ["text/event-stream"] = new OpenApiMediaType { Schema = new OpenApiSchema { Type = JsonSchemaType.String } } },
                },
            };
        }

        var writes = method is "POST" or "PUT" or "PATCH" or "DELETE";
        if (writes) Query(operation, "dryRun", "true: the same checks and answer, nothing kept.", JsonSchemaType.Boolean);
        if (method == "POST") Header(operation, "Idempotency-Key", "A repeat within 24 hours with the same body gets the first answer again.");
        if (method is "PUT" or "PATCH" or "DELETE") Header(operation, "If-Match", "The quoted generation this change was made on.");
        DescribeBody(operation, id, method);
        DescribeAnswers(operation, context, method, id, listed);
        return Task.CompletedTask;
    }

    private static void DescribeBody(OpenApiOperation operation, string id, string method)
    {
        if (operation.RequestBody is not OpenApiRequestBody { Content: { } content } body) return;
        var media = content.Values.OfType<OpenApiMediaType>().First();
        media.Example = Examples.Body(id);
        content.Clear();
        content[method == "PATCH" ? MergePatch.ContentType : "application/json"] = media;
        body.Required = true;
    }

    private static void DescribeAnswers(OpenApiOperation operation, OpenApiOperationTransformerContext context, string method, string id, bool listed)
    {
        operation.Responses ??= [];
        foreach (var (status, response) in operation.Responses)
        {
            if (response is not OpenApiResponse answer) continue;
            if (status == "200" && Examples.Answer(id) is { } example)
            {
                foreach (var media in answer.Content?.Values.OfType<OpenApiMediaType>() ?? []) media.Example = example.DeepClone();
            }

            answer.Description = status switch
            {
                "200" when listed => "A page.",
                "200" => "The resource.",
                "201" => "Created; the resource with its status.",
                "202" => "It will be gone: the resource in state Deleting.",
                "204" => "Gone.",
                _ => answer.Description,
            };
            if (status is not ("200" or "201" or "202") || listed || id is "Watch" or "BatchVirtualMachineInterfaces") continue;
            answer.Headers ??= new Dictionary<string, IOpenApiHeader>();
            answer.Headers["ETag"] = Text("The quoted generation.");
            if (status == "201") answer.Headers["Location"] = Text("Where the resource is.");
        }

        var single = context.Description.RelativePath?.Contains("{name}", StringComparison.Ordinal) ?? false;
        if (id != "ListEvents" || listed) Error("400", "validation-failed, malformed-json, address-out-of-range or immutable-field: every fault is in errors.");
        if (single || method == "POST") Error("404", "not-found: the resource, or the namespace written into.");
        if (id == "Watch") Error("410", "token-too-old: begin again without Last-Event-ID.");
        if (method is "POST" or "PUT" or "PATCH" or "DELETE")
            Error("409", "already-exists, in-use, address-in-use, subnet-overlap, node-port-in-use, being-deleted or idempotency-key-reused.");
        if (method is "PUT" or "PATCH" or "DELETE") Error("412", "precondition-failed: If-Match names another generation.");
        if (method is "POST" or "PUT" or "PATCH")
        {
            Error("413", "payload-too-large: a body may have 4 MiB.");
            Error("415", "unsupported-media-type.");
        }

        Error("503", "unavailable: the database is away; try again after Retry-After seconds.");

        void Error(string status, string description) => operation.Responses[status] = new OpenApiResponse
        {
            Description = description,
            Content = new Dictionary<string, OpenApiMediaType>
            {
                ["application/problem+json"] = new OpenApiMediaType { Schema = new OpenApiSchemaReference("Problem", context.Document) },
            },
        };
    }

    private static async Task DescribeDocument(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        document.Info = new OpenApiInfo
        {
            Title = "CN2.Api",
            Version = "v1",
            Description = "Load-balancing and floating IPs in the manner of Juniper CN2: a Service gets an address that a real router reaches. " +
                          "The examples succeed on a fresh server when they are sent from top to bottom.",
        };
        document.Servers = []; // the host that served the document
        document.Components ??= new OpenApiComponents();
        document.Components.Schemas ??= new Dictionary<string, IOpenApiSchema>();
        document.Components.Schemas["Problem"] = await context.GetOrCreateSchemaAsync(typeof(ProblemBody), null, cancellationToken);

        var order = Examples.Tags.Select((tag, index) => (tag, index)).ToDictionary(t => t.tag, t => t.index);
        int Place(IOpenApiPathItem path) => path.Operations!.Values.Min(o => o.Tags?.Min(t => order.GetValueOrDefault(t.Name ?? "", order.Count)) ?? order.Count);

        var present = document.Paths.Values.Select(Place).ToHashSet();
        document.Tags = new HashSet<OpenApiTag>(Examples.Tags.Where(t => present.Contains(order[t])).Select(t => new OpenApiTag { Name = t, Description = Describe(t) }));

        // Paths in the order of the tags; in a tag first what creates, last the item, so that the examples can be sent from top to bottom.
        var sorted = document.Paths.OrderBy(p => Place(p.Value)).ThenBy(p => p.Key.EndsWith("{name}", StringComparison.Ordinal))
            .ThenBy(p => !p.Value.Operations!.ContainsKey(HttpMethod.Post)).ThenBy(p => p.Key, StringComparer.Ordinal).ToList();
        document.Paths = [];
        foreach (var (path, item) in sorted)
        {
            if (item.Operations is { } operations)
            {
                var first = operations.OrderBy(o => Array.IndexOf(MethodOrder, o.Key.Method)).ToList();
                operations.Clear();
                foreach (var (method, operation) in first) operations[method] = operation;
            }

            document.Paths[path] = item;
        }
    }

    private static readonly string[] MethodOrder = ["POST", "GET", "PUT", "PATCH", "DELETE"];

    private static string Describe(string tag) => tag switch
    {
        "Namespaces" => "Where resources live and what selectors choose among.",
        "VirtualRouters" => "The compute nodes: next hops of routes. An agent that connects creates its own.",
        "ServiceHealthChecks" => "How endpoints are asked whether they live.",
        "VirtualMachineInterfaces" => "The endpoints: pods' and VMs' ports on compute nodes.",
        "ExternalNetworkSelectors" => "Which networks serve the Services that name none.",
        "ExternalNetworks" => "Pools of addresses that routers reach.",
        "Services" => "An address and its ports in front of endpoints.",
        "FloatingIPs" => "Who holds an address, and reservations.",
        "BgpRouters" => "The external routers that learn the addresses.",
        "Watch" => "Changes as they happen.",
        "Events" => "What happened and why.",
        _ => "",
    };

    private static void Query(OpenApiOperation operation, string name, string description, JsonSchemaType type, string? example = null) => operation.Parameters!.Add(
        new OpenApiParameter { Name = name, In = ParameterLocation.Query, Description = description, Schema = new OpenApiSchema { Type = type }, Example = example is null ? null : JsonValue.Create(example) });

    private static void Header(OpenApiOperation operation, string name, string description) => operation.Parameters!.Add(
        new OpenApiParameter { Name = name, In = ParameterLocation.Header, Description = description, Schema = new OpenApiSchema { Type = JsonSchemaType.String } });

    private static OpenApiHeader Text(string description) => new() { Description = description, Schema = new OpenApiSchema { Type = JsonSchemaType.String } };
}
