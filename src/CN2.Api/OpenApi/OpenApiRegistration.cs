using CN2.Api.Access;
using CN2.Api.Http;
using Microsoft.OpenApi;

namespace CN2.Api.OpenApi;

/// <summary>The OpenAPI 3.1 document at /openapi/v1.json and Swagger UI at /swagger, which loads nothing from other hosts.</summary>
public static class OpenApiRegistration
{
    public static IServiceCollection AddOpenApiDocument(this IServiceCollection services) => services.AddSingleton<KeptDocument>().AddOpenApi(KeptDocument.Name, options =>
    {
        options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
        options.AddSchemaTransformer(SchemaDescription.DescribeAsync);
        options.AddOperationTransformer((operation, context, _) =>
        {
            OperationDescription.Describe(operation, context);
            return Task.CompletedTask;
        });
        options.AddDocumentTransformer(DocumentDescription.DescribeAsync);
    });

    public static void UseOpenApiDocument(this WebApplication app)
    {
        // Without the deadline of requests: on a busy machine the first document takes longer, and it needs no database that could hang.
        app.MapGet($"/openapi/{KeptDocument.Name}.json", (HttpContext http, KeptDocument document) => document.WriteAsync(http))
            .WithMetadata(new OpenToAllAttribute(), new LongRunningAttribute()).ExcludeFromDescription();
        app.UseWhen(http => Listener.KindOf(http) == ListenerKind.Rest, rest => rest.UseSwaggerUI(ui =>
        {
            ui.SwaggerEndpoint("/openapi/v1.json", "CN2.Api v1");
            ui.DocumentTitle = "CN2.Api";
            ui.RoutePrefix = "swagger";
            ui.DisplayRequestDuration();
            ui.EnableTryItOutByDefault();
        }));
    }
}
