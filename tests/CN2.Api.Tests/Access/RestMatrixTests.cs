using System.Text.Json.Nodes;
using CN2.Api.Access;
using CN2.Api.Tests.OpenApi;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Access;

/// <summary>Every operation of the OpenAPI document by every role. The table is the contract's (docs/contract.md §7), written without a look at the product's rules.</summary>
public sealed class RestMatrixTests(RoleServer api) : IClassFixture<RoleServer>
{
    // Who may in ns1, and who in ns2, where viewer1 and editor1 have no role. An operation without namespace is asked once.
    private static readonly (string Ns1, string Ns2) Read = ("viewer1 editor1 viewer editor operator admin", "viewer editor operator admin");
    private static readonly (string Ns1, string Ns2) Write = ("editor1 editor operator admin", "editor operator admin");
    private static readonly (string Ns1, string Ns2) Operator = ("operator admin", "operator admin");
    private static readonly (string Ns1, string Ns2) Admin = ("admin", "admin");
    private static readonly (string Ns1, string Ns2) Cluster = ("viewer editor operator admin", "");
    private static readonly (string Ns1, string Ns2) Own = ("viewer1 editor1 viewer editor operator admin", "");

    private static readonly Dictionary<string, (string Ns1, string Ns2)> Expected = new()
    {
        ["GET /v1/namespaces"] = Own,
        ["POST /v1/namespaces"] = Operator,
        ["GET /v1/namespaces/{name}"] = Read,
        ["PUT /v1/namespaces/{name}"] = Operator,
        ["PATCH /v1/namespaces/{name}"] = Operator,
        ["DELETE /v1/namespaces/{name}"] = Operator,
        ["GET /v1/namespaces/{ns}/grant"] = Read,
        ["PUT /v1/namespaces/{ns}/grant"] = Operator,
        ["DELETE /v1/namespaces/{ns}/grant"] = Operator,

        ["GET /v1/external-networks"] = Own,
        ["GET /v1/namespaces/{ns}/external-networks"] = Read,
        ["POST /v1/namespaces/{ns}/external-networks"] = Write,
        ["GET /v1/namespaces/{ns}/external-networks/{name}"] = Read,
        ["PUT /v1/namespaces/{ns}/external-networks/{name}"] = Write,
        ["PATCH /v1/namespaces/{ns}/external-networks/{name}"] = Write,
        ["DELETE /v1/namespaces/{ns}/external-networks/{name}"] = Write,
        ["GET /v1/namespaces/{ns}/external-networks/{name}/routes"] = Read,

        ["GET /v1/services"] = Own,
        ["GET /v1/namespaces/{ns}/services"] = Read,
        ["POST /v1/namespaces/{ns}/services"] = Write,
        ["GET /v1/namespaces/{ns}/services/{name}"] = Read,
        ["PUT /v1/namespaces/{ns}/services/{name}"] = Write,
        ["PATCH /v1/namespaces/{ns}/services/{name}"] = Write,
        ["DELETE /v1/namespaces/{ns}/services/{name}"] = Write,

        ["GET /v1/floating-ips"] = Own,
        ["GET /v1/namespaces/{ns}/floating-ips"] = Read,
        ["POST /v1/namespaces/{ns}/floating-ips"] = Write,
        ["GET /v1/namespaces/{ns}/floating-ips/{name}"] = Read,
        ["PUT /v1/namespaces/{ns}/floating-ips/{name}"] = Write,
        ["PATCH /v1/namespaces/{ns}/floating-ips/{name}"] = Write,
        ["DELETE /v1/namespaces/{ns}/floating-ips/{name}"] = Write,

        ["GET /v1/virtual-machine-interfaces"] = Own,
        ["GET /v1/namespaces/{ns}/virtual-machine-interfaces"] = Read,
        ["POST /v1/namespaces/{ns}/virtual-machine-interfaces"] = Write,
        ["POST /v1/namespaces/{ns}/virtual-machine-interfaces:batch"] = Write,
        ["GET /v1/namespaces/{ns}/virtual-machine-interfaces/{name}"] = Read,
        ["PUT /v1/namespaces/{ns}/virtual-machine-interfaces/{name}"] = Write,
        ["PATCH /v1/namespaces/{ns}/virtual-machine-interfaces/{name}"] = Write,
        ["DELETE /v1/namespaces/{ns}/virtual-machine-interfaces/{name}"] = Write,

        ["GET /v1/service-health-checks"] = Own,
        ["GET /v1/namespaces/{ns}/service-health-checks"] = Read,
        ["POST /v1/namespaces/{ns}/service-health-checks"] = Write,
        ["GET /v1/namespaces/{ns}/service-health-checks/{name}"] = Read,
        ["PUT /v1/namespaces/{ns}/service-health-checks/{name}"] = Write,
        ["PATCH /v1/namespaces/{ns}/service-health-checks/{name}"] = Write,
        ["DELETE /v1/namespaces/{ns}/service-health-checks/{name}"] = Write,

        ["GET /v1/external-network-selectors"] = Cluster,
        ["POST /v1/external-network-selectors"] = Operator,
        ["GET /v1/external-network-selectors/{name}"] = Cluster,
        ["PUT /v1/external-network-selectors/{name}"] = Operator,
        ["PATCH /v1/external-network-selectors/{name}"] = Operator,
        ["DELETE /v1/external-network-selectors/{name}"] = Operator,

        ["GET /v1/bgp-routers"] = Cluster,
        ["POST /v1/bgp-routers"] = Operator,
        ["GET /v1/bgp-routers/{name}"] = Cluster,
        ["PUT /v1/bgp-routers/{name}"] = Operator,
        ["PATCH /v1/bgp-routers/{name}"] = Operator,
        ["DELETE /v1/bgp-routers/{name}"] = Operator,

        ["GET /v1/virtual-routers"] = Cluster,
        ["POST /v1/virtual-routers"] = Operator,
        ["POST /v1/virtual-routers/{name}:join-token"] = Operator,
        ["GET /v1/virtual-routers/{name}"] = Cluster,
        ["PUT /v1/virtual-routers/{name}"] = Operator,
        ["PATCH /v1/virtual-routers/{name}"] = Operator,
        ["DELETE /v1/virtual-routers/{name}"] = Operator,

        ["GET /v1/control-nodes"] = Cluster,
        ["GET /v1/control-nodes/{name}"] = Cluster,
        ["DELETE /v1/control-nodes/{name}"] = Operator,

        ["GET /v1/tokens"] = Admin,
        ["POST /v1/tokens"] = Admin,
        ["GET /v1/tokens/{name}"] = Admin,
        ["DELETE /v1/tokens/{name}"] = Admin,
        ["GET /v1/role-bindings"] = Admin,
        ["POST /v1/role-bindings"] = Admin,
        ["GET /v1/role-bindings/{name}"] = Admin,
        ["PUT /v1/role-bindings/{name}"] = Admin,
        ["PATCH /v1/role-bindings/{name}"] = Admin,
        ["DELETE /v1/role-bindings/{name}"] = Admin,
        ["GET /v1/audit"] = Admin,

        ["GET /v1/watch"] = Own,
        ["GET /v1/events"] = Own,
    };

    /// <summary>Paths beside the OpenAPI document.</summary>
    private static readonly Dictionary<string, string> Others = new()
    {
        ["/metrics"] = "viewer editor operator admin",
        ["/livez"] = "nobody viewer1 editor1 viewer editor operator admin",
        ["/readyz"] = "nobody viewer1 editor1 viewer editor operator admin",
        ["/openapi/v1.json"] = "nobody viewer1 editor1 viewer editor operator admin",
        ["/swagger/index.html"] = "nobody viewer1 editor1 viewer editor operator admin",
    };

    [Fact]
    public async Task Every_operation_is_refused_to_every_role_that_may_not_and_to_no_other()
    {
        var wrong = new List<string>();
        var document = (await api.GetAsync("/openapi/v1.json")).Expect(200).Json!;
        foreach (var (path, method, _) in OpenApiTests.Operations(document))
        {
            var operation = $"{method.ToUpperInvariant()} {path}";
            if (!Expected.TryGetValue(operation, out var expected))
            {
                wrong.Add($"{operation} has no entry in the table");
                continue;
            }

            var isNamespace = path == "/v1/namespaces/{name}";
            foreach (var (ns, may) in new[] { ("ns1", expected.Ns1), ("ns2", expected.Ns2) })
            {
                if (ns == "ns2" && !path.Contains("{ns}", StringComparison.Ordinal) && !isNamespace) continue;
                var url = path.Replace("{ns}", ns, StringComparison.Ordinal).Replace("{name}", isNamespace ? ns : "absent", StringComparison.Ordinal);
                await AskAllAsync(method, url, may, wrong);
            }
        }

        foreach (var (path, may) in Others) await AskAllAsync("GET", path, may, wrong);
        Assert.Empty(wrong);
    }

    /// <summary>So that no endpoint is forgotten that the document does not describe either.</summary>
    [Fact]
    public void Every_endpoint_says_what_it_is_about()
    {
        var silent = from endpoint in api.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
                     where !endpoint.RoutePattern.RawText!.StartsWith("/cn2.", StringComparison.Ordinal) // of agents
                     where endpoint.Metadata.GetMetadata<AccessTargetAttribute>() is null && endpoint.Metadata.GetMetadata<OpenToAllAttribute>() is null
                         && endpoint.Metadata.GetMetadata<OpenToCallersAttribute>() is null
                     select endpoint.RoutePattern.RawText;
        Assert.Empty(silent);
    }

    [Fact]
    public async Task A_refusal_names_verb_resource_and_namespace_and_is_the_same_whether_or_not_the_thing_exists()
    {
        (await api.PostAsync("/v1/namespaces/ns2/services", """{"name":"there","type":"ClusterIP","ports":[{"port":80}]}""")).Expect(201);
        var there = (await api.GetAsAsync("viewer1", "/v1/namespaces/ns2/services/there")).Expect(403);
        var absent = (await api.GetAsAsync("viewer1", "/v1/namespaces/ns2/services/gone")).Expect(403);
        Assert.Equal("forbidden", there.Code);
        Assert.Equal("User viewer1 may not get services in namespace ns2; an admin can give it a role that may (role bindings).", (string?)there.Json!["detail"]);
        Assert.Equal(absent.Text, there.Text.Replace("/there", "/gone", StringComparison.Ordinal));
        var nowhere = (await api.GetAsAsync("viewer1", "/v1/namespaces/nowhere/services/gone")).Expect(403);
        Assert.Equal(absent.Text, nowhere.Text.Replace("nowhere", "ns2", StringComparison.Ordinal));
    }

    private async Task AskAllAsync(string method, string url, string may, List<string> wrong)
    {
        foreach (var (user, _, _) in RoleServer.Users)
        {
            var isWrite = !method.Equals("GET", StringComparison.OrdinalIgnoreCase);
            using var response = await RoleServer.BeginAsync(api.Client, user, HttpMethod.Parse(method), isWrite ? $"{url}?dryRun=true" : url, isWrite ? "{}" : null,
                method.Equals("PATCH", StringComparison.OrdinalIgnoreCase) ? "application/merge-patch+json" : "application/json");
            var status = (int)response.StatusCode;
            var isExpected = may.Split(' ').Contains(user);
            if (isExpected == (status == 403) || status >= 500) wrong.Add($"{method} {url} by {user}: {status}");
            if (status == 403 && (string?)JsonNode.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!["code"] != "forbidden") wrong.Add($"{method} {url} by {user}: not forbidden");
        }
    }
}
