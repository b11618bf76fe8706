using CN2.Api.Tests.Fixtures;
using Npgsql;

namespace CN2.Api.Tests.ExternalNetworks;

/// <summary>Automatic route targets behind a 4-byte AS have 16 bits only.</summary>
public sealed class FourByteSystemTests(FourByteSystemTests.Server api) : IClassFixture<FourByteSystemTests.Server>
{
    private const string Default = "/v1/namespaces/default/external-networks";

    [Fact]
    public async Task With_a_four_byte_AS_the_automatic_target_is_in_a_smaller_reserved_range()
    {
        var instance = (await api.PostAsync(Default, """{"name":"as4","subnets":[{"cidr":"41.0.0.0/24"}],"routeTargets":["target:64512:8000001","target:4200000000:7999"]}""")).Expect(201)
            .Json!["status"]!["routingInstance"]!;
        Assert.Equal($$"""["target:64512:8000001","target:4200000000:7999","target:4200000000:{{8000 + (int)instance["number"]!}}"]""", instance["exportRouteTargets"]!.ToJsonString());
        var refused = (await api.PostAsync(Default, """{"name":"n","subnets":[{"cidr":"41.1.0.0/24"}],"routeTargets":["target:4200000000:8000","target:4200000000:32768","target:4200000000:32769"]}""")).Expect(400);
        Assert.Equal(["routeTargets[0]", "routeTargets[1]"], refused.ErrorPaths);
    }

    [Fact]
    public async Task A_network_whose_number_has_no_automatic_target_reports_that_it_has_none()
    {
        (await api.PostAsync(Default, """{"name":"beyond","subnets":[{"cidr":"41.2.0.0/24"}]}""")).Expect(201);
        await using (var connection = new NpgsqlConnection(api.ConnectionString))
        {
            await connection.OpenAsync(TestContext.Current.CancellationToken);
            await using var command = new NpgsqlCommand("UPDATE external_network SET number = 30000 WHERE name = 'beyond'", connection);
            Assert.Equal(1, await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken));
        }

        Assert.Equal(("False/NoRouteTarget", "[]"), await TargetsAsync());
        (await api.PatchAsync($"{Default}/beyond", """{"exportRouteTargets":["target:64512:1"]}""")).Expect(200);
        Assert.Equal(("False/NoRouteTarget", "[]"), await TargetsAsync());
        (await api.PatchAsync($"{Default}/beyond", """{"importRouteTargets":["target:64512:1"]}""")).Expect(200);
        Assert.Equal(("True/Configured", """["target:64512:1"]"""), await TargetsAsync());
    }

    private async Task<(string Condition, string Imports)> TargetsAsync()
    {
        var network = (await api.GetAsync($"{Default}/beyond")).Expect(200).Json!;
        var condition = Reply.Condition(network, "RouteTargets")!;
        return ($"{condition["status"]}/{condition["reason"]}", network["status"]!["routingInstance"]!["importRouteTargets"]!.ToJsonString());
    }

    public sealed class Server(PrivatePostgres postgres) : ApiServer(postgres)
    {
        protected override string[] Settings => ["--Bgp:AutonomousSystem", "4200000000"];
    }
}
