using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using CN2.Api.Allocation;
using CN2.Api.Options;
using CN2.Api.Tests.Fixtures;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace CN2.Api.Tests.Allocation;

/// <summary>Several servers on one database, and servers that come back with other settings.</summary>
public sealed class ReplicaTests(ApiServerWithoutReconciler api) : IClassFixture<ApiServerWithoutReconciler>
{
    [Fact]
    public async Task A_replica_never_decides_with_data_that_another_replica_has_changed()
    {
        await using var app = ApiHost.Build(
            ["--ConnectionStrings:CN2", api.ConnectionString, "--Bgp:Engine", "none", "--Http:Url", "http://127.0.0.1:0", "--Grpc:Url", "http://127.0.0.1:0", "--Auth:Mode", "none", "--Agents:Mode", "none", "--Logging:LogLevel:Default", "Warning"]);
        await app.StartAsync(TestContext.Current.CancellationToken);
        using var other = new HttpClient { BaseAddress = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()) };
        for (var i = 0; i < 10; i++)
        {
            // Each line is answered by a server that did not see the line before.
            (await api.PutAsync($"/v1/namespaces/rep{i}", "{}")).Expect(201);
            var network = await other.PostAsJsonAsync($"/v1/namespaces/rep{i}/external-networks", new { name = "net", subnets = new[] { new { cidr = $"50.{i}.0.0/24" } } }, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.Created, network.StatusCode);
            var service = (await api.PostAsync($"/v1/namespaces/rep{i}/services", """{"name":"s","externalNetwork":"net","ports":[{"port":80}]}""")).Expect(201);
            Assert.Equal($"50.{i}.0.2", (string?)service.Json!["status"]!["externalIPs"]![0]);
            var second = await other.PostAsJsonAsync($"/v1/namespaces/rep{i}/services", new { name = "t", externalNetwork = "net", ports = new[] { new { port = 80 } } }, TestContext.Current.CancellationToken);
            Assert.Equal($"50.{i}.0.3", (string?)JsonNode.Parse(await second.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!["status"]!["externalIPs"]![0]);
            foreach (var name in new[] { "s", "t" }) (await api.DeleteAsync($"/v1/namespaces/rep{i}/services/{name}")).Expect(204);
            (await api.DeleteAsync($"/v1/namespaces/rep{i}/external-networks/net")).Expect(204);
            var gone = await other.PostAsJsonAsync($"/v1/namespaces/rep{i}/services", new { name = "u", externalNetwork = "net", ports = new[] { new { port = 80 } } }, TestContext.Current.CancellationToken);
            Assert.Equal("NetworkNotFound", (string?)Reply.Condition(JsonNode.Parse(await gone.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)), "Allocated")!["reason"]);
        }

        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Fact]
    public async Task A_new_service_network_does_not_change_cluster_IPs_in_use()
    {
        (await api.PutAsync("/v1/namespaces/cip", "{}")).Expect(201);
        (await api.PostAsync("/v1/namespaces/cip/services", """{"name":"old","type":"ClusterIP","ports":[{"port":80}]}""")).Expect(201);
        await using var source = NpgsqlDataSource.Create(api.ConnectionString);
        var moved = new ServiceNetworkOptions { V4 = IPNetwork.Parse("10.99.0.0/24") };
        await new ServicePools(source, moved, new NodePortOptions()).EnsureAsync(TestContext.Current.CancellationToken);
        await using var connection = await source.OpenConnectionAsync(TestContext.Current.CancellationToken);
        var snapshot = await new Catalog(moved).ReloadAsync(connection, TestContext.Current.CancellationToken);
        var pool = Assert.Single(snapshot.ServiceSubnetsOf(CN2.Network.Addressing.IPFamily.IPv4));
        Assert.Equal("10.99.0.0/24", snapshot.Subnet(pool).Subnet.Cidr.ToString());
        Assert.Single((await api.GetAsync("/v1/namespaces/cip/services/old")).Expect(200).Json!["status"]!["clusterIPs"]!.AsArray());
        var overlapping = moved with { V4 = IPNetwork.Parse("10.233.0.0/16") };
        var refused = await Assert.ThrowsAsync<SettingsException>(() => new ServicePools(source, overlapping, new NodePortOptions()).EnsureAsync(CancellationToken.None));
        Assert.Contains("ServiceNetwork__V4", refused.Message, StringComparison.Ordinal);

        // External addresses are no cluster IPs, whichever were first.
        (await api.PostAsync("/v1/namespaces/cip/external-networks", """{"name":"beside","subnets":[{"cidr":"10.98.0.0/15"}],"fabricForwarding":true}""")).Expect(201);
        (await api.PostAsync("/v1/namespaces/cip/floating-ips", """{"name":"first","externalNetwork":"beside"}""")).Expect(201);
        Assert.Equal(409, (await api.PostAsync("/v1/namespaces/cip/floating-ips", """{"name":"in","externalNetwork":"beside","address":"10.99.0.9"}""")).Status);
        var held = moved with { V4 = IPNetwork.Parse("10.98.0.0/24") };
        refused = await Assert.ThrowsAsync<SettingsException>(() => new ServicePools(source, held, new NodePortOptions()).EnsureAsync(CancellationToken.None));
        Assert.Contains("10.98.0.2 of FloatingIP cip/first lies in 10.98.0.0/24", refused.Message, StringComparison.Ordinal);
        await new ServicePools(source, moved with { V4 = IPNetwork.Parse("10.98.0.128/25") }, new NodePortOptions()).EnsureAsync(TestContext.Current.CancellationToken);
        // No Service has a cluster IP of 10.99.0.0/24, so it has gone.
        (await api.PostAsync("/v1/namespaces/cip/floating-ips", """{"name":"in","externalNetwork":"beside","address":"10.99.0.9"}""")).Expect(201);
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }
}
