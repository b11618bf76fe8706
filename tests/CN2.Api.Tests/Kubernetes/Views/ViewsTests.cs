using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Documents;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Kubernetes.Views;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Kubernetes.Views;

/// <summary>What the Kubernetes API says of itself, over HTTP.</summary>
public sealed class ViewsTests(ViewsServer server) : IClassFixture<ViewsServer>
{
    private const string Aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    private const string Table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

    [Theory]
    [InlineData("/api", Aggregated)]
    [InlineData("/apis", Aggregated)]
    [InlineData("/api", null)]
    [InlineData("/apis", null)]
    [InlineData("/api/v1", null)]
    [InlineData("/apis/core.contrail.juniper.net", null)]
    [InlineData("/apis/core.contrail.juniper.net/v1alpha1", null)]
    [InlineData("/apis/authorization.k8s.io/v1", null)]
    [InlineData("/openapi/v2", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf")]
    [InlineData("/openapi/v2", null)]
    [InlineData("/openapi/v3", null)]
    [InlineData("/openapi/v3/api/v1", null)]
    public async Task A_document_is_sent_once_and_revalidated_by_its_tag(string path, string? accept)
    {
        var first = await server.AskAsync(path, accept);
        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        Assert.Equal("Accept", first.Headers.Vary.ToString());
        var tag = first.Headers.ETag!.ToString();

        var again = await server.AskAsync(path, accept, tag: $"\"other\", {tag}");
        Assert.Equal(HttpStatusCode.NotModified, again.StatusCode);
        Assert.Empty(await ViewsServer.TextAsync(again));
        Assert.Equal(HttpStatusCode.OK, (await server.AskAsync(path, accept, tag: "\"other\"")).StatusCode);
    }

    [Fact]
    public async Task Discovery_has_what_is_served_and_nothing_else()
    {
        var served = server.Services.GetRequiredService<ServedResources>().All;
        Assert.Contains(served, r => r.Plural == "services");
        Assert.Contains(served, r => r.Plural == "selfsubjectrulesreviews");
        foreach (var resource in served.Where(r => r.Verbs.Contains("list")))
        {
            var root = resource.Group.Length == 0 ? $"/api/{resource.Version}" : $"/apis/{resource.ApiVersion}";
            var named = (await ReadAsync(root))["resources"]!.AsArray().Single(r => (string?)r!["name"] == resource.Plural)!;
            Assert.Equal(resource.Kind, (string?)named["kind"]);
            Assert.Equal(HttpStatusCode.OK, (await server.AskAsync($"{root}/{resource.Plural}")).StatusCode);
        }

        foreach (var resource in KubernetesResources.All.Except(served))
            Assert.Equal(HttpStatusCode.NotFound, (await server.AskAsync($"/{(resource.Group.Length == 0 ? "api" : "apis")}/{resource.ApiVersion}/{resource.Plural}")).StatusCode);
    }

    [Fact]
    public async Task The_kind_of_the_aggregated_form_stands_in_its_content_type() =>
        Assert.Equal("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", (await server.AskAsync("/apis", Aggregated)).Content.Headers.ContentType!.ToString().Replace("; ", ";", StringComparison.Ordinal));

    [Fact]
    public async Task A_document_with_its_hash_in_the_path_never_changes()
    {
        var path = (string)(await ReadAsync("/openapi/v3"))["paths"]!["api/v1"]!["serverRelativeURL"]!;
        var document = await server.AskAsync(path);
        Assert.Contains("immutable", document.Headers.CacheControl!.ToString(), StringComparison.Ordinal);
        Assert.Equal(TimeSpan.FromDays(365), document.Headers.CacheControl.MaxAge);
        // The client of the test follows the redirection from an older hash.
        Assert.Equal(path, (await server.AskAsync("/openapi/v3/api/v1?hash=AB")).RequestMessage!.RequestUri!.PathAndQuery);
    }

    [Fact]
    public async Task The_OpenAPI_document_is_protobuf_for_those_who_ask_for_it()
    {
        var answer = await server.AskAsync("/openapi/v2", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf");
        Assert.Equal(OpenApiDocuments.V2Protobuf, answer.Content.Headers.ContentType!.ToString());
        Assert.Equal(OpenApiDocuments.Instance.V2.Bytes.ToArray(), await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        Assert.Equal("application/json", (await server.AskAsync("/openapi/v2", "application/json")).Content.Headers.ContentType!.ToString());
    }

    [Fact]
    public async Task The_version_is_one_that_clients_compare_with_theirs()
    {
        var version = await ReadAsync("/version");
        Assert.Equal(("1", "34"), ((string?)version["major"], (string?)version["minor"]));
        Assert.StartsWith("v1.34.0+cn2-", (string?)version["gitVersion"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/healthz", "ok")]
    [InlineData("/livez", "ok")]
    [InlineData("/livez?verbose", "[+]ping ok\nlivez check passed\n")]
    [InlineData("/readyz?verbose=true", "[+]ping ok\n[+]database ok\n[+]migrations ok\n[+]warm ok\nreadyz check passed\n")]
    public async Task Health_is_told_as_Kubernetes_does(string path, string expected)
    {
        await Eventually.TrueAsync(async () => (await server.AskAsync("/readyz")).StatusCode == HttpStatusCode.OK);
        Assert.Equal(expected, await ViewsServer.TextAsync(await server.AskAsync(path)));
    }

    [Theory]
    [InlineData("""{"resourceAttributes":{"verb":"create","resource":"services","namespace":"ns1"}}""", true)]
    [InlineData("""{"resourceAttributes":{"verb":"create","resource":"deployments","group":"apps"}}""", false)]
    [InlineData("""{"nonResourceAttributes":{"verb":"get","path":"/version"}}""", true)]
    public async Task An_access_review_is_answered_at_once(string spec, bool isAllowed)
    {
        var (code, review) = await PostAsync("selfsubjectaccessreviews", $$"""{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","spec":{{spec}}}""");
        Assert.Equal(201, code);
        Assert.Equal(isAllowed, (bool?)review["status"]!["allowed"]);
        Assert.Equal("SelfSubjectAccessReview", (string?)review["kind"]);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(spec), review["spec"]));
    }

    /// <summary>kubectl sends an empty status with both.</summary>
    [Fact]
    public async Task A_rules_review_lists_what_is_served()
    {
        Assert.Equal(201, (await PostAsync("selfsubjectaccessreviews", """{"spec":{"nonResourceAttributes":{"path":"/api","verb":"get"}},"status":{"allowed":null}}""")).Code);
        var (code, review) = await PostAsync("selfsubjectrulesreviews", """{"spec":{"namespace":"default"},"status":{}}""");
        Assert.Equal(201, code);
        Assert.Equal(
            server.Services.GetRequiredService<ServedResources>().All.Sum(r => 1 + r.Subresources.Count), review["status"]!["resourceRules"]!.AsArray().Count);
    }

    [Theory]
    [InlineData("selfsubjectaccessreviews", """{"spec":{}}""", 422, "Invalid", "spec.resourceAttributes")]
    [InlineData("selfsubjectaccessreviews", """{"spec":{"resourceAttributes":{},"nonResourceAttributes":{}}}""", 422, "Invalid", "spec.resourceAttributes")]
    [InlineData("selfsubjectaccessreviews", """{}""", 422, "Invalid", "spec")]
    [InlineData("selfsubjectaccessreviews", """{"spec":{"resourceAttributes":{"verb":7}}}""", 422, "Invalid", "spec.resourceAttributes.verb")]
    [InlineData("selfsubjectrulesreviews", """{"spec":{}}""", 422, "Invalid", "spec.namespace")]
    [InlineData("selfsubjectrulesreviews", """[]""", 400, "BadRequest", null)]
    [InlineData("selfsubjectrulesreviews", """{""", 400, "BadRequest", null)]
    public async Task A_wrong_review_is_refused(string plural, string body, int code, string reason, string? field)
    {
        var (status, answer) = await PostAsync(plural, body);
        Assert.Equal((code, reason), (status, (string?)answer["reason"]));
        Assert.Equal(field, (string?)answer["details"]?["causes"]?[0]?["field"]);
    }

    [Theory]
    [InlineData("/apis/apps/v1/deployments", "GET", 404, "NotFound")]
    [InlineData("/apis/apps", "GET", 404, "NotFound")]
    [InlineData("/api/v2", "GET", 404, "NotFound")]
    [InlineData("/v1/namespaces", "GET", 404, "NotFound")]
    [InlineData("/metrics", "GET", 404, "NotFound")]
    [InlineData("/api/v1/namespaces/nowhere", "GET", 404, "NotFound")]
    [InlineData("/api/v1/namespaces/default/services/none", "GET", 404, "NotFound")]
    [InlineData("/api", "POST", 405, "MethodNotAllowed")]
    [InlineData("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "GET", 405, "MethodNotAllowed")]
    [InlineData("/version", "DELETE", 405, "MethodNotAllowed")]
    [InlineData("/healthz", "PUT", 405, "MethodNotAllowed")]
    public async Task What_cannot_be_answered_is_a_status(string path, string method, int code, string reason)
    {
        var answer = await server.AskAsync(path, method: new HttpMethod(method));
        var status = await ViewsServer.ReadAsync(answer);
        Assert.Equal(("Status", code, reason), ((string?)status["kind"], (int?)status["code"], (string?)status["reason"]));
        Assert.Equal(code, (int)answer.StatusCode);
    }

    [Theory]
    [InlineData("/api")]
    [InlineData("/apis")]
    [InlineData("/openapi/v3")]
    [InlineData("/api/v1/namespaces/default")]
    public async Task A_client_that_takes_protobuf_alone_is_told_what_there_is(string path)
    {
        var answer = await server.AskAsync(path, "application/vnd.kubernetes.protobuf");
        Assert.Equal(HttpStatusCode.NotAcceptable, answer.StatusCode);
        Assert.Equal("NotAcceptable", (string?)(await ViewsServer.ReadAsync(answer))["reason"]);
    }

    [Fact]
    public async Task One_object_comes_in_the_form_that_is_asked_for()
    {
        var table = await ViewsServer.ReadAsync(await server.AskAsync("/api/v1/namespaces/default", Table));
        Assert.Equal("Table", (string?)table["kind"]);
        Assert.Equal(["default", "Active"], table["rows"]![0]!["cells"]!.AsArray().Take(2).Select(c => (string?)c));
        var whole = await ViewsServer.ReadAsync(await server.AskAsync("/api/v1/namespaces/default", "application/vnd.kubernetes.protobuf,application/json"));
        Assert.Equal("Namespace", (string?)whole["kind"]);
        var metadata = await ViewsServer.ReadAsync(await server.AskAsync("/api/v1/namespaces/default", "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"));
        Assert.Equal("PartialObjectMetadata", (string?)metadata["kind"]);
        Assert.True(JsonNode.DeepEquals(whole["metadata"], metadata["metadata"]));
        Assert.Equal(HttpStatusCode.BadRequest, (await server.AskAsync("/api/v1/namespaces/default?includeObject=Everything", Table)).StatusCode);
    }

    [Fact]
    public async Task The_other_listener_has_none_of_it()
    {
        foreach (var path in (string[])["/api", "/apis", "/openapi/v3", "/version", "/healthz", "/api/v1/namespaces"]) Assert.Equal(404, (await server.GetAsync(path)).Status);
    }

    private async Task<JsonNode> ReadAsync(string path) => await ViewsServer.ReadAsync(await server.AskAsync(path));

    private async Task<(int Code, JsonNode Answer)> PostAsync(string plural, string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        var answer = await server.AskAsync($"/apis/authorization.k8s.io/v1/{plural}", method: HttpMethod.Post, body: content);
        return ((int)answer.StatusCode, await ViewsServer.ReadAsync(answer));
    }
}
