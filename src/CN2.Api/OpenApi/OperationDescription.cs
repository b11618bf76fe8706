using System.Text.Json.Nodes;
using CN2.Api.Http;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace CN2.Api.OpenApi;

/// <summary>Adds to an operation what its action does not say: the conventions of <c>docs/contract.md §2</c> and the examples.</summary>
internal static class OperationDescription
{
    public static void Describe(OpenApiOperation operation, OpenApiOperationTransformerContext context)
    {
        var facts = OperationFacts.Of(operation, context);
        operation.Responses ??= [];
        DescribeText(operation, facts);
        DescribeParameters(operation, facts);
        DescribeBody(operation, facts);
        Answers.Describe(operation, facts, context.Document!);
    }

    /// <summary>The action's first sentence is the summary; the others, and what all operations of the kind have in common, are the description.</summary>
    private static void DescribeText(OpenApiOperation operation, OperationFacts facts)
    {
        var text = (operation.Summary ?? "").ReplaceLineEndings(" ");
        var end = text.IndexOf(". ", StringComparison.Ordinal);
        operation.Summary = end < 0 ? text : text[..(end + 1)];
        operation.Description = string.Join(' ', new[] { end < 0 ? "" : text[(end + 2)..], Convention(facts, answersLater: operation.Responses!.ContainsKey("202")) }.Where(t => t.Length > 0));
    }

    private static string Convention(OperationFacts facts, bool answersLater) => facts.Kind switch
    {
        OperationKind.List => "The answer is a page of at most `limit` items. `nextCursor` is the `cursor` of the next page, and null on the last page.",
        OperationKind.Create => "The answer is the whole resource with its status. A repeat with the same `Idempotency-Key` and body gets the first answer again.",
        OperationKind.Action => "A repeat with the same `Idempotency-Key` gets the first answer again, without its secret.",
        OperationKind.Batch => "The answer has the resources in the order of the request. A repeat with the same `Idempotency-Key` and body gets the first answer again.",
        OperationKind.Read => "The `ETag` of the answer is the quoted generation. A later write with this value in `If-Match` is refused when the resource was changed in between.",
        OperationKind.Replace => "The body is the whole resource: a member that is left out gets its default value. The answer is 201 when the resource did not exist. " +
            "A PUT that changes nothing keeps the generation.",
        OperationKind.Patch => "The body is a JSON merge patch (RFC 7396): a member that is given replaces, null restores the default value, objects are merged, " +
            "and an array is replaced as a whole. The result is checked like the body of a PUT.",
        OperationKind.Delete => answersLater
            ? "The answer is 202 while routes or NAT entries are left; then GET answers 404 as soon as the resource is gone. The answer is 204 when it is gone at once."
            : "The answer is 204: the resource is gone.",
        _ => "",
    };

    private static void DescribeParameters(OpenApiOperation operation, OperationFacts facts)
    {
        var parameters = operation.Parameters ??= [];
        foreach (var parameter in parameters.OfType<OpenApiParameter>().Where(p => p.In == ParameterLocation.Path))
        {
            parameter.Example = JsonValue.Create(parameter.Name == "ns" ? "ns1" : Examples.Name(facts.Tag, facts.Method));
            parameter.Description ??= parameter.Name == "ns" ? "The namespace." : $"The name of the {facts.Resource}.";
        }

        foreach (var parameter in Parameters.Of(facts)) parameters.Add(parameter);
    }

    private static void DescribeBody(OpenApiOperation operation, OperationFacts facts)
    {
        if (operation.RequestBody is not OpenApiRequestBody { Content: { } content } body) return;
        var media = content.Values.OfType<OpenApiMediaType>().First();
        media.Example = Examples.Body(facts.Id);
        content.Clear();
        content[facts.Kind == OperationKind.Patch ? MergePatch.ContentType : "application/json"] = media;
        body.Required = true;
        body.Description = facts.Kind switch
        {
            OperationKind.Patch => $"What changes of the {facts.Resource}.",
            OperationKind.Batch => $"The {facts.Tag}.",
            _ => $"The {facts.Resource}.",
        };
    }
}
