using System.Text.Json.Nodes;
using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.OpenApi;

/// <summary>The document and the validators agree on which members of a request are required.</summary>
public sealed class RequiredMemberTests(ApiServer api) : IClassFixture<ApiServer>
{
    [Fact]
    public async Task A_request_without_a_required_member_is_refused_and_the_member_is_named()
    {
        var document = (await api.GetAsync("/openapi/v1.json")).Expect(200).Json!;
        var accepted = new List<string>();
        var tried = 0;
        foreach (var (path, method, example, schema) in Requests(document, "post", "put"))
        {
            foreach (var member in RequiredIn(document, schema, example, ""))
            {
                var body = example.DeepClone();
                Remove(body, member);
                var reply = await SendAsync(method, path, body);
                if (reply.Status != 400 || !reply.ErrorPaths.Contains(member)) accepted.Add($"{method} {path} without {member}: {reply.Status} {reply.Text}");
                tried++;
            }
        }

        Assert.Empty(accepted);
        Assert.True(tried > 20, $"only {tried} members were tried");
    }

    [Fact]
    public async Task A_request_with_nothing_but_its_name_and_the_required_members_is_valid()
    {
        var document = (await api.GetAsync("/openapi/v1.json")).Expect(200).Json!;
        var refused = new List<string>();
        foreach (var (path, method, example, schema) in Requests(document, "post"))
        {
            var reply = await SendAsync(method, path, OnlyRequired(document, schema, example)!);
            if (reply.Status == 400) refused.Add($"{method} {path}: {reply.Text}");
        }

        Assert.Empty(refused);
    }

    private static IEnumerable<(string Path, string Method, JsonNode Example, JsonNode Schema)> Requests(JsonNode document, params string[] methods) =>
        from operation in OpenApiTests.Operations(document)
        where methods.Contains(operation.Method) && operation.Operation["requestBody"] is not null
        let media = operation.Operation["requestBody"]!["content"]!["application/json"]!
        select (operation.Path, operation.Method, media["example"]!, media["schema"]!);

    private Task<Reply> SendAsync(string method, string path, JsonNode body) => api.SendAsync(
        new HttpMethod(method.ToUpperInvariant()), path.Replace("{ns}", "absent", StringComparison.Ordinal).Replace("{name}", "one", StringComparison.Ordinal) + "?dryRun=true",
        body.ToJsonString());

    /// <summary>The paths (<c>ports[0].port</c>) of the members of <paramref name="value"/> that its schema requires.</summary>
    private static IEnumerable<string> RequiredIn(JsonNode document, JsonNode? schema, JsonNode value, string path)
    {
        schema = Resolve(document, schema);
        var required = Required(schema);
        if (value is JsonArray items)
        {
            for (var i = 0; i < items.Count; i++)
            {
                foreach (var member in RequiredIn(document, schema?["items"], items[i]!, $"{path}[{i}]")) yield return member;
            }
        }
        else if (value is JsonObject members)
        {
            foreach (var (name, inner) in members)
            {
                var at = path.Length == 0 ? name : $"{path}.{name}";
                if (required.Contains(name)) yield return at;
                foreach (var member in RequiredIn(document, schema?["properties"]?[name], inner!, at)) yield return member;
            }
        }
    }

    private static JsonNode? OnlyRequired(JsonNode document, JsonNode? schema, JsonNode? value)
    {
        schema = Resolve(document, schema);
        var required = Required(schema);
        return value switch
        {
            JsonArray items => new JsonArray([.. items.Select(i => OnlyRequired(document, schema?["items"], i))]),
            JsonObject members when schema?["properties"] is { } properties => new JsonObject(members.Where(m => m.Key == "name" || required.Contains(m.Key))
                .Select(m => KeyValuePair.Create(m.Key, OnlyRequired(document, properties[m.Key], m.Value)))),
            _ => value?.DeepClone(),
        };
    }

    private static HashSet<string> Required(JsonNode? schema) => [.. (schema?["required"]?.AsArray() ?? []).Select(n => (string)n!)];

    private static JsonNode? Resolve(JsonNode document, JsonNode? schema)
    {
        if (schema?["oneOf"] is JsonArray choices) schema = choices.Single(c => c!["$ref"] is not null);
        return (string?)schema?["$ref"] is { } reference ? document["components"]!["schemas"]![reference[(reference.LastIndexOf('/') + 1)..]] : schema;
    }

    private static void Remove(JsonNode body, string path)
    {
        var steps = path.Replace("[", ".", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal).Split('.');
        var holder = steps[..^1].Aggregate(body, (node, step) => int.TryParse(step, out var index) ? node[index]! : node[step]!);
        holder.AsObject().Remove(steps[^1]);
    }
}
