using Microsoft.OpenApi;

namespace CN2.Api.OpenApi;

/// <summary>What an operation answers: the resource with its headers, and every problem with its codes.</summary>
internal static class Answers
{
    public static void Describe(OpenApiOperation operation, OperationFacts facts, OpenApiDocument document)
    {
        var answers = operation.Responses!;
        if (facts.Kind == OperationKind.Watch) DescribeStream(answers);
        foreach (var (status, answer) in answers.Select(a => (a.Key, (OpenApiResponse)a.Value)).ToList()) DescribeSuccess(answer, status, facts);
        foreach (var problems in Problems.Of(facts).GroupBy(Problems.StatusOf).OrderBy(g => g.Key))
            answers[Problems.Text(problems.Key)] = Problems.Answer([.. problems], document);
    }

    private static void DescribeSuccess(OpenApiResponse answer, string status, OperationFacts facts)
    {
        if (facts.Kind == OperationKind.Watch) return;
        answer.Description = (status, facts.Kind) switch
        {
            (_, OperationKind.List) => "A page.",
            (_, OperationKind.Action) => "What was made.",
            (_, OperationKind.Batch) => $"The {facts.Tag} as they are now.",
            ("201", _) => $"The {facts.Resource} was created.",
            ("202", _) => $"The {facts.Resource} is in state Deleting.",
            ("204", _) => $"The {facts.Resource} is gone.",
            _ => $"The {facts.Resource} as it is now.",
        };
        if (Examples.Answer(facts.Id) is { } example)
        {
            foreach (var media in answer.Content?.Values.OfType<OpenApiMediaType>() ?? []) media.Example = example.DeepClone();
        }

        if (status == "204" || facts.Kind is OperationKind.List or OperationKind.Batch or OperationKind.Action) return;
        answer.Headers ??= new Dictionary<string, IOpenApiHeader>();
        answer.Headers["ETag"] = Header("The quoted generation, for `If-Match`.");
        if (status == "201") answer.Headers["Location"] = Header("The path of the resource.");
    }

    private static void DescribeStream(OpenApiResponses answers)
    {
        answers.Clear();
        answers["200"] = new OpenApiResponse
        {
            Description = "Server-sent events, until the client or the server ends the stream. A comment every 15 seconds shows that it is alive.",
            Content = new Dictionary<string, OpenApiMediaType>
            {
                ["text/event-stream"] = new() { Schema = new OpenApiSchema { Type = JsonSchemaType.String, Description = "Lines `id:`, `event:` and `data:`; an empty line ends an event." } },
            },
        };
    }

    internal static OpenApiHeader Header(string description, JsonSchemaType type = JsonSchemaType.String) => new() { Description = description, Schema = new OpenApiSchema { Type = type } };
}
