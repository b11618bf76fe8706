using CN2.Api.Tests.Fixtures;
using CN2.Client;
using CN2.Client.Models;
using Microsoft.Kiota.Abstractions.Authentication;
using Microsoft.Kiota.Abstractions.Serialization;
using Microsoft.Kiota.Http.HttpClientLibrary;

namespace CN2.ClientTests;

/// <summary>The client that kiota generates from the committed document, against the real server: the story of README.md, and what goes wrong.</summary>
public sealed class GeneratedClientTests(ApiServer api) : IClassFixture<ApiServer>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private CN2Client Client { get; } = new(new HttpClientRequestAdapter(new AnonymousAuthenticationProvider(), httpClient: api.Client) { BaseUrl = api.Client.BaseAddress!.ToString().TrimEnd('/') });

    [Fact]
    public async Task The_story_of_the_README_works_with_the_generated_client()
    {
        var ns = await Client.V1.Namespaces.PostAsync(new NamespaceRequest { Name = "ns1", Labels = Labels("ns", "ns1") }, cancellationToken: Cancelled);
        Assert.Equal("ns1", ns!.Labels!.AdditionalData["ns"]);

        var network = await Client.V1.Namespaces["ns1"].ExternalNetworks.PostAsync(new ExternalNetworkRequest
        {
            Name = "vn-external1",
            Labels = Labels("service.contrail.juniper.net/externalNetwork", "default-external"),
            Subnets = [new SubnetRequest { Cidr = "100.0.0.0/24" }],
            FabricForwarding = true,
        }, cancellationToken: Cancelled);
        Assert.Equal("100.0.0.1", Assert.Single(network!.Subnets!).Gateway);
        Assert.Equal(200, network.Advertisement!.LocalPreference);

        var selector = await Client.V1.ExternalNetworkSelectors["default-external"].PutAsync(new ExternalNetworkSelectorRequest
        {
            Name = "default-external",
            NetworkSelector = new LabelSelectorBody { MatchLabels = Labels("service.contrail.juniper.net/externalNetwork", "default-external") },
            NamespaceSelector = new LabelSelectorBody { MatchExpressions = [new LabelExpressionBody { Key = "ns", Operator = LabelOperator.In, Values = ["ns1"] }] },
        }, cancellationToken: Cancelled);
        Assert.Equal(LabelOperator.In, Assert.Single(selector!.NamespaceSelector!.MatchExpressions!).Operator);

        var router = await Client.V1.BgpRouters.PostAsync(new BgpRouterRequest { Name = "vmx1", Address = "172.27.115.245", AutonomousSystem = 4200000000 }, cancellationToken: Cancelled);
        Assert.Equal(4200000000, router!.AutonomousSystem);

        var endpoint = await Client.V1.Namespaces["ns1"].VirtualMachineInterfaces.PostAsync(new VirtualMachineInterfaceRequest
        {
            Name = "nginx-1-eth0",
            Labels = Labels("app", "web"),
            Addresses = ["10.233.64.11"],
            VirtualRouter = "compute1",
        }, cancellationToken: Cancelled);
        Assert.Equal(EndpointHealth.Unknown, endpoint!.Status!.Health);

        var service = await Client.V1.Namespaces["ns1"].Services.PostAsync(WebService("my-service"), cancellationToken: Cancelled);
        Assert.Equal("100.0.0.2", Assert.Single(service!.Status!.ExternalIPs!));
        Assert.Equal(ServiceType.LoadBalancer, service.Type);

        var read = await Client.V1.Namespaces["ns1"].Services["my-service"].GetAsync(cancellationToken: Cancelled);
        Assert.Equal("ns1/vn-external1", read!.Status!.ExternalNetwork);
        Assert.Equal(["Allocated", "Programmed", "Advertised", "Ready"], read.Status.Conditions!.Select(c => c.Type));

        var addresses = await Client.V1.Namespaces["ns1"].FloatingIps.GetAsync(r => r.QueryParameters.Limit = 10, Cancelled);
        Assert.Equal([FloatingIPKind.ClusterIP, FloatingIPKind.External], addresses!.Items!.Select(f => f.Kind).Order());
        Assert.All(addresses.Items!, f => Assert.Equal("TCP/8080->80", f.PortMapping));

        await Client.V1.Namespaces["ns1"].ExternalNetworks.PostAsync(
            new ExternalNetworkRequest { Name = "vn-external2", Subnets = [new SubnetRequest { Cidr = "200.0.0.0/24" }], FabricForwarding = true }, cancellationToken: Cancelled);
        var second = WebService("my-service-2");
        second.ExternalNetwork = "ns1/vn-external2";
        var other = await Client.V1.Namespaces["ns1"].Services.PostAsync(second, cancellationToken: Cancelled);
        Assert.Equal("200.0.0.2", Assert.Single(other!.Status!.ExternalIPs!));

        var page = await Client.V1.Namespaces["ns1"].Services.GetAsync(r => r.QueryParameters.Limit = 1, Cancelled);
        Assert.Equal("my-service", Assert.Single(page!.Items!).Name);
        page = await Client.V1.Namespaces["ns1"].Services.GetAsync(r => (r.QueryParameters.Limit, r.QueryParameters.Cursor) = (1, page.NextCursor), Cancelled);
        Assert.Equal("my-service-2", Assert.Single(page!.Items!).Name);
        Assert.Null(page.NextCursor);
    }

    [Fact]
    public async Task PUT_replaces_PATCH_changes_one_member_and_DELETE_removes()
    {
        await Client.V1.Namespaces.PostAsync(new NamespaceRequest { Name = "changes" }, cancellationToken: Cancelled);
        var item = Client.V1.Namespaces["changes"].Services["web"];
        var created = await item.PutAsync(WebService("web"), cancellationToken: Cancelled);
        Assert.Equal(1, created!.Generation);

        var patched = await item.PatchAsync(new ServicePatch { SessionAffinity = SessionAffinity.ClientIP }, r => r.Headers.Add("If-Match", "\"1\""), Cancelled);
        Assert.Equal(SessionAffinity.ClientIP, patched!.SessionAffinity);
        Assert.Equal(8080, Assert.Single(patched.Ports!).Port);

        var replacement = WebService("web");
        replacement.Ports![0].Port = 9090;
        var replaced = await item.PutAsync(replacement, cancellationToken: Cancelled);
        Assert.Equal((9090, SessionAffinity.None), (Assert.Single(replaced!.Ports!).Port, replaced.SessionAffinity));
        Assert.Equal(created.Uid, replaced.Uid);
        Assert.Equal(created.Status!.ClusterIPs, replaced.Status!.ClusterIPs);

        var stale = await Assert.ThrowsAsync<Problem>(() => item.PatchAsync(new ServicePatch { SessionAffinity = SessionAffinity.ClientIP }, r => r.Headers.Add("If-Match", "\"1\""), Cancelled));
        Assert.Equal((412, "precondition-failed"), (stale.ResponseStatusCode, stale.Code));

        var deleting = await item.DeleteAsync(cancellationToken: Cancelled);
        Assert.True(deleting is null or { Status.State: ResourceState.Deleting });
        await Eventually.TrueAsync(async () => await CodeAsync(() => item.GetAsync(cancellationToken: Cancelled)) == "not-found");
    }

    [Fact]
    public async Task Every_fault_of_a_400_is_in_errors()
    {
        await Client.V1.Namespaces.PostAsync(new NamespaceRequest { Name = "faults" }, cancellationToken: Cancelled);
        var service = WebService("No Name");
        service.Ports![0].Port = 0;
        service.ExternalNetwork = "faults/a";
        service.ExternalNetworkSelector = "b";

        var problem = await Assert.ThrowsAsync<Problem>(() => Client.V1.Namespaces["faults"].Services.PostAsync(service, cancellationToken: Cancelled));

        Assert.Equal((400, "validation-failed"), (problem.Status, problem.Code));
        Assert.Equal(["externalNetworkSelector", "name", "ports[0].port"], problem.Errors!.AdditionalData.Keys.Order());
        var messages = Assert.IsType<UntypedArray>(problem.Errors.AdditionalData["ports[0].port"]).GetValue();
        Assert.Equal("must be from 1 to 65535", Assert.IsType<UntypedString>(Assert.Single(messages)).GetValue());
    }

    [Fact]
    public async Task A_missing_resource_is_a_problem_with_code_not_found()
    {
        var problem = await Assert.ThrowsAsync<Problem>(() => Client.V1.Namespaces["ns1"].Services["absent"].GetAsync(cancellationToken: Cancelled));

        Assert.Equal((404, "not-found", "urn:cn2:error:not-found"), (problem.Status, problem.Code, problem.Type));
        Assert.Contains("ns1/absent", problem.Detail, StringComparison.Ordinal);
    }

    private static async Task<string?> CodeAsync(Func<Task> call)
    {
        try
        {
            await call();
            return null;
        }
        catch (Problem e)
        {
            return e.Code;
        }
    }

    private static ServiceRequest WebService(string name) => new()
    {
        Name = name,
        Selector = Labels("app", "web"),
        Ports = [new ServicePortRequest { Port = 8080, TargetPort = 80 }],
    };

    private static Labels Labels(string key, string value) => new() { AdditionalData = new Dictionary<string, object> { [key] = value } };
}
