using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CN2.Api.Http;
using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.OpenApi;

public sealed class OpenApiTests(ApiServer api) : IClassFixture<ApiServer>
{
    /// <summary>
    /// The committed file is the product's promise: a change of it is a change of the API. CN2_UPDATE_OPENAPI=1 writes it anew.
    /// </summary>
    [Fact]
    public async Task The_document_equals_the_committed_file()
    {
        var served = (await api.GetAsync("/openapi/v1.json")).Expect(200).Text.ReplaceLineEndings("\n").TrimEnd() + "\n";
        var file = Path.Combine(Repository.Root, "openapi", "cn2-v1.json");
        if (Environment.GetEnvironmentVariable("CN2_UPDATE_OPENAPI") == "1") await File.WriteAllTextAsync(file, served, TestContext.Current.CancellationToken);
        Assert.True(served == await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken), "openapi/cn2-v1.json differs from what the server says; write it anew with CN2_UPDATE_OPENAPI=1");
    }

    [Fact]
    public async Task The_document_is_OpenAPI_3_1_with_id_texts_and_example_for_every_operation()
    {
        var document = (await api.GetAsync("/openapi/v1.json")).Expect(200).Json!;
        Assert.StartsWith("3.1", (string?)document["openapi"], StringComparison.Ordinal);
        var ids = new HashSet<string>();
        foreach (var (path, method, operation) in Operations(document))
        {
            Assert.True(ids.Add((string?)operation["operationId"] ?? ""), $"{method} {path} needs an operationId of its own");
            Assert.False(string.IsNullOrEmpty((string?)operation["summary"]), $"{method} {path} needs a summary");
            Assert.False(string.IsNullOrEmpty((string?)operation["description"]), $"{method} {path} needs a description");
            if (operation["requestBody"]?["content"] is JsonObject content)
                Assert.True(content.First().Value?["example"] is not null, $"{method} {path} needs an example");
        }
    }

    [Fact]
    public async Task Every_schema_and_every_member_of_it_has_a_description()
    {
        var document = (await api.GetAsync("/openapi/v1.json")).Expect(200).Json!;
        var silent = new List<string>();
        foreach (var (id, schema) in document["components"]!["schemas"]!.AsObject())
        {
            if (string.IsNullOrEmpty((string?)schema!["description"])) silent.Add(id);
            silent.AddRange((schema["properties"]?.AsObject() ?? []).Where(m => string.IsNullOrEmpty((string?)m.Value!["description"])).Select(m => $"{id}.{m.Key}"));
        }

        Assert.Empty(silent);
    }

    /// <summary>A code is in the table of the document's description, but for those that no operation answers.</summary>
    [Fact]
    public async Task Every_problem_code_is_in_the_document()
    {
        var table = (string)(await api.GetAsync("/openapi/v1.json")).Expect(200).Json!["info"]!["description"]!;
        var codes = typeof(ProblemCodes).GetFields().Select(f => (string)f.GetRawConstantValue()!)
            .Except([ProblemCodes.MethodNotAllowed, ProblemCodes.BadRequest, ProblemCodes.HostNotAllowed, ProblemCodes.InternalError]);
        Assert.All(codes, code => Assert.Contains($"`{code}`", table, StringComparison.Ordinal));
    }

    /// <summary>By this, Swagger UI has its button Authorize, and sends the token with every request.</summary>
    [Fact]
    public async Task Every_operation_asks_for_a_bearer_token_and_answers_401_without()
    {
        var document = (await api.GetAsync("/openapi/v1.json")).Expect(200).Json!;
        var scheme = document["components"]!["securitySchemes"]!["bearer"]!;
        Assert.Equal(("http", "bearer"), ((string?)scheme["type"], (string?)scheme["scheme"]));
        foreach (var (path, method, operation) in Operations(document))
        {
            Assert.True(operation["security"]!.AsArray().Single()!["bearer"] is JsonArray, $"{method} {path} asks for no token");
            Assert.True(operation["responses"]!["401"] is not null, $"{method} {path} has no 401");
        }
    }

    [Fact]
    public async Task Swagger_UI_loads_nothing_from_other_hosts()
    {
        var page = (await api.GetAsync("/swagger/index.html")).Expect(200).Text;
        var parts = Regex.Matches(page, "(?:src|href)=\"([^\"]*)\"").Select(m => m.Groups[1].Value).ToList();
        Assert.Contains(parts, p => p.EndsWith("swagger-ui-bundle.js", StringComparison.Ordinal));
        foreach (var part in parts)
        {
            Assert.False(part.StartsWith('/') || part.Contains(':', StringComparison.Ordinal), $"{part} may lie on another host");
            (await api.GetAsync($"/swagger/{part}")).Expect(200);
        }

        // Left to its default, the UI would show the document to a validator on the Internet.
        Assert.Contains("configObject.validatorUrl = null", (await api.GetAsync("/swagger/index.js")).Text, StringComparison.Ordinal);
    }

    internal static IEnumerable<(string Path, string Method, JsonNode Operation)> Operations(JsonNode document) =>
        from tag in document["tags"]!.AsArray().Select(t => (string)t!["name"]!)
        from path in document["paths"]!.AsObject()
        from operation in path.Value!.AsObject()
        where operation.Value!["tags"]?.AsArray().Any(t => (string?)t == tag) ?? false
        select (path.Key, operation.Key, operation.Value!);
}
