using CN2.Api.Tests.Fixtures;
using CN2.Network.Resources;

namespace CN2.Api.Tests.Reconcile;

/// <summary>Addresses of agents and control nodes, and vRouters that are away while something is deleted.</summary>
public sealed class InfrastructureReportTests(PrivatePostgres postgres)
{
    private const string Fips = "/v1/namespaces/default/floating-ips";
    private const string Vmis = "/v1/namespaces/default/virtual-machine-interfaces";

    [Fact]
    public async Task A_control_node_notes_its_addresses_and_they_are_free_when_it_is_gone()
    {
        await using var plane = await ControlPlane.StartAsync(postgres, "--Bgp:Engine", "gobgp", "--Bgp:RouterId", "100.0.0.7", "--Bgp:ListenAddresses:0", "172.27.115.7");
        await Eventually.TrueAsync(
            async () => await plane.QueryAsync<long>("SELECT count(*) FROM infrastructure_address WHERE kind = 'ControlNode' AND name = 'cn-a' AND address = '100.0.0.7'") == 1, seconds: 30);
        var refused = (await plane.Api.PostAsync(Fips, """{"name":"bad","externalNetwork":"vn","address":"100.0.0.7"}""")).Expect(409);
        Assert.Equal("infrastructure-address", refused.Code);
        Assert.Contains("ControlNode cn-a", refused.Text, StringComparison.Ordinal);
        // A session of the engine with itself never comes up; a router beside it, at another port, is none.
        var self = (await plane.Api.PostAsync("/v1/bgp-routers", """{"name":"self","address":"172.27.115.7","autonomousSystem":64512}""")).Expect(409);
        Assert.Equal("address-in-use", self.Code);
        (await plane.Api.PostAsync("/v1/bgp-routers", """{"name":"beside","address":"172.27.115.7","port":1790,"autonomousSystem":64512}""")).Expect(201);
        Assert.Equal(409, (await plane.Api.PatchAsync("/v1/bgp-routers/beside", """{"port":179}""")).Status);
        (await plane.Api.PutAsync("/v1/virtual-routers/beside", """{"address":"172.27.115.7"}""")).Expect(201);
        await plane.QueryAsync<long>("WITH n AS (DELETE FROM control_node WHERE name = 'cn-a' RETURNING 1) SELECT count(*) FROM n");
        Assert.Equal(0, await plane.QueryAsync<long>("SELECT count(*) FROM infrastructure_address WHERE name = 'cn-a'"));
    }

    [Fact]
    public async Task An_endpoint_whose_address_becomes_the_infrastructures_is_not_served_until_it_is_its_own_again()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.EndpointAsync("pod2", "compute2", "10.0.0.2");
        await plane.ServiceAsync("web");
        await plane.UntilHopsAsync("100.0.0.2", "172.27.115.242", "172.27.115.243");
        (await plane.Api.PutAsync("/v1/virtual-routers/compute7", """{"address":"10.0.0.1"}""")).Expect(201);
        await plane.UntilHopsAsync("100.0.0.2", "172.27.115.243");
        Assert.Equal("False/InfrastructureAddress", ControlPlane.ConditionOf(await plane.Api.GetAsync("/v1/namespaces/default/virtual-machine-interfaces/pod1"), "Ready"));
        await Eventually.TrueAsync(async () => (int?)(await plane.Api.GetAsync(ControlPlane.Path("web"))).Json!["status"]!["endpoints"]!["ready"] == 1, seconds: 30);
        // A replica that starts reads it so too.
        var again = await plane.AddAsync("cn-b", new Drivers.FakeBgpEngine());
        (await plane.Api.DeleteAsync("/v1/virtual-routers/compute7")).Expect(204);
        await ControlPlane.UntilAsync(() => ControlPlane.HopsOf(again, "100.0.0.2").Count == 2);
        Assert.Equal("True/Ready", ControlPlane.ConditionOf(await plane.Api.GetAsync("/v1/namespaces/default/virtual-machine-interfaces/pod1"), "Ready"));
    }

    [Fact]
    public async Task A_FloatingIP_whose_address_becomes_that_of_a_control_node_is_not_served_until_the_control_node_is_gone()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        var first = plane.Api;
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        (await first.PostAsync(Fips, """{"name":"attached","externalNetwork":"vn","address":"100.0.0.7","interfaces":["pod1"]}""")).Expect(201);
        (await first.PostAsync(Fips, """{"name":"idle","externalNetwork":"vn","address":"100.0.0.8"}""")).Expect(201);
        foreach (var address in (string[])["100.0.0.2", "100.0.0.7"]) await plane.UntilHopsAsync(address, "172.27.115.242");
        await ControlPlane.UntilAsync(() => Held() == 3);

        var second = await plane.AddAsync(
            "cn-b", new Drivers.FakeBgpEngine(), "--Bgp:Engine", "gobgp", "--Bgp:RouterId", "100.0.0.7", "--Bgp:ListenAddresses:0", "100.0.0.8", "--Bgp:ListenAddresses:1", "100.0.0.2");
        await ControlPlane.UntilAsync(() => first.Speaker.Paths.Count == 0 && Entries() == 0 && Held() == 0);
        foreach (var path in (string[])[$"{Fips}/attached", ControlPlane.Path("web")])
        {
            foreach (var type in (string[])["Advertised", "Ready"]) await plane.UntilConditionAsync(path, type, "False/InfrastructureAddress", first);
        }

        foreach (var refused in (Reply[])[
            await first.PatchAsync($"{Fips}/idle", """{"interfaces":["pod1"]}"""),
            await first.PutAsync("/v1/namespaces/default/services/claims", """{"loadBalancerIPs":["100.0.0.8"],"ports":[{"port":81}]}""")])
        {
            Assert.Equal("infrastructure-address", refused.Expect(409).Code);
            Assert.Contains("100.0.0.8 is the address of ControlNode cn-b", refused.Text, StringComparison.Ordinal);
        }

        // What attaches nothing is no matter of the address.
        (await first.PatchAsync($"{Fips}/attached", """{"labels":{"a":"b"},"portMappings":[{"port":80}]}""")).Expect(200);
        (await first.PatchAsync($"{Fips}/attached", """{"portMappings":[]}""")).Expect(200);
        await plane.StopAsync(second);
        await plane.QueryAsync<long>("WITH n AS (DELETE FROM control_node WHERE name = 'cn-b' RETURNING 1) SELECT count(*) FROM n");
        foreach (var address in (string[])["100.0.0.2", "100.0.0.7"]) await plane.UntilHopsAsync(address, "172.27.115.242");
        await ControlPlane.UntilAsync(() => Held() == 3);
        (await first.PatchAsync($"{Fips}/idle", """{"interfaces":["pod1"]}""")).Expect(200);
        await plane.UntilHopsAsync("100.0.0.8", "172.27.115.242");

        int Held() => plane.Compute1.Drops.Count(IsExternal);
        int Entries() => plane.Compute1.Table.Keys.Count(k => k.Address is { } a && IsExternal(a));
        static bool IsExternal(System.Net.IPAddress address) => address.ToString().StartsWith("100.0.0.", StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_agent_with_the_address_of_a_FloatingIP_is_sent_away()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        (await plane.Api.PostAsync(Fips, """{"name":"mine","externalNetwork":"vn","address":"100.0.0.9"}""")).Expect(201);
        var node = new FakeNode("compute9", "100.0.0.9");
        node.ConnectTo(plane.Api.Agents);
        await ControlPlane.UntilAsync(() => plane.Api.Agents.SentAway.ContainsKey("compute9"));
        Assert.Contains("100.0.0.9 is in use by a FloatingIP", plane.Api.Agents.SentAway["compute9"], StringComparison.Ordinal);
        Assert.DoesNotContain("mine", plane.Api.Agents.SentAway["compute9"], StringComparison.Ordinal);
        Assert.Equal(404, (await plane.Api.GetAsync("/v1/virtual-routers/compute9")).Status);
    }

    [Fact]
    public async Task An_agent_with_the_address_of_an_endpoint_is_sent_away_and_the_endpoint_is_served_on()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        (await plane.Api.PostAsync(Vmis, """{"name":"pod9","addresses":["10.9.9.9"],"virtualRouter":"compute1"}""")).Expect(201);
        var node = new FakeNode("compute9", "10.9.9.9");
        node.ConnectTo(plane.Api.Agents);
        await ControlPlane.UntilAsync(() => plane.Api.Agents.SentAway.ContainsKey("compute9"));
        Assert.Contains("10.9.9.9 is in use by an endpoint", plane.Api.Agents.SentAway["compute9"], StringComparison.Ordinal);
        Assert.DoesNotContain("pod9", plane.Api.Agents.SentAway["compute9"], StringComparison.Ordinal);
        Assert.Equal(404, (await plane.Api.GetAsync("/v1/virtual-routers/compute9")).Status);
        Assert.NotEqual("False/InfrastructureAddress", ControlPlane.ConditionOf((await plane.Api.GetAsync($"{Vmis}/pod9")).Json, "Ready"));
    }

    [Fact]
    public async Task An_agent_with_a_certificate_takes_no_address_of_the_infrastructure_that_an_operator_has_not_given_it()
    {
        await using var plane = await ControlPlane.StartAsync(postgres, "--Bgp:Engine", "gobgp", "--Bgp:RouterId", "172.27.115.7", "--Bgp:ListenAddresses:0", "172.27.115.7");
        await Eventually.TrueAsync(
            async () => await plane.QueryAsync<long>("SELECT count(*) FROM infrastructure_address WHERE kind = 'ControlNode' AND address = '172.27.115.7'") == 1, seconds: 30);
        (await plane.Api.PutAsync("/v1/bgp-routers/vmx9", """{"address":"172.27.115.9","autonomousSystem":64512}""")).Expect(201);
        var made = (await plane.Api.PutAsync("/v1/virtual-routers/compute9", """{"address":"172.27.115.90"}""")).Expect(201);
        var node = new FakeNode("compute9", "172.27.115.90") { Uid = (Guid?)made.Json!["uid"] };
        node.ConnectTo(plane.Api.Agents);
        await ControlPlane.UntilAsync(() => node.Messages > 0);
        foreach (var (address, whose) in ((string, string)[])[("172.27.115.9", "BgpRouter vmx9"), ("172.27.115.7", "ControlNode cn-a")])
        {
            plane.Api.Agents.SentAway.Clear();
            node.Address = address;
            node.ConnectTo(plane.Api.Agents);
            await ControlPlane.UntilAsync(() => plane.Api.Agents.SentAway.ContainsKey("compute9"));
            // The operators of the server read whose it is, the node does not.
            Assert.Contains($"{address} is in use by a router, a control node or the database server", plane.Api.Agents.SentAway["compute9"], StringComparison.Ordinal);
            await Eventually.TrueAsync(
                async () => ((string?)Reply.Condition((await plane.Api.GetAsync("/v1/virtual-routers/compute9")).Json, "AddressTaken")?["message"])?.Contains($"{address} is the address of {whose}", StringComparison.Ordinal) == true, seconds: 30);
            Assert.Equal("172.27.115.90", (string?)(await plane.Api.GetAsync("/v1/virtual-routers/compute9")).Json!["address"]);
        }

        // A node beside a control node is one that an operator has put there; one without a certificate was never asked who it is.
        (await plane.Api.PatchAsync("/v1/virtual-routers/compute9", """{"address":"172.27.115.7"}""")).Expect(200);
        node.ConnectTo(plane.Api.Agents);
        await Eventually.TrueAsync(async () => (bool?)(await plane.Api.GetAsync("/v1/virtual-routers/compute9")).Json!["status"]!["connected"] == true, seconds: 30);
        // It may have another address of its own, and does not lose that of before by it.
        node.Address = "172.27.115.91";
        node.ConnectTo(plane.Api.Agents);
        await Eventually.TrueAsync(async () => (string?)(await plane.Api.GetAsync("/v1/virtual-routers/compute9")).Json!["address"] == "172.27.115.91", seconds: 30);
    }

    [Theory]
    [InlineData("100.0.0.50", "an ExternalNetwork", "ExternalNetwork default/vn")]
    [InlineData("10.233.0.200", "the service network", "the service network")]
    [InlineData("169.254.1.1", "169.254.0.0/16 (link-local)", "169.254.0.0/16 (link-local)")]
    public async Task An_agent_with_a_certificate_takes_no_free_address_that_is_others_to_use(string address, string told, string said)
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        var made = (await plane.Api.PutAsync("/v1/virtual-routers/compute9", """{"address":"172.27.115.90"}""")).Expect(201);
        var node = new FakeNode("compute9", address) { Uid = (Guid?)made.Json!["uid"] };
        node.ConnectTo(plane.Api.Agents);
        await ControlPlane.UntilAsync(() => plane.Api.Agents.SentAway.ContainsKey("compute9"));
        Assert.Contains($"the address {address} is inside {told}, and VirtualRouter compute9 was not given it", plane.Api.Agents.SentAway["compute9"], StringComparison.Ordinal);
        await Eventually.TrueAsync(
            async () => ((string?)Reply.Condition((await plane.Api.GetAsync("/v1/virtual-routers/compute9")).Json, "AddressTaken")?["message"])?.Contains($"{address} is inside {said}", StringComparison.Ordinal) == true, seconds: 30);
        Assert.Equal("172.27.115.90", (string?)(await plane.Api.GetAsync("/v1/virtual-routers/compute9")).Json!["address"]);
    }

    [Theory]
    [InlineData("BgpRouter")]
    [InlineData("ControlNode")]
    public async Task An_endpoint_whose_address_becomes_that_of_a_router_or_control_node_is_not_probed_and_gets_no_traffic(string kind)
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        (await plane.Api.PutAsync("/v1/namespaces/default/service-health-checks/up", """{"monitorType":"TCP","port":80}""")).Expect(201);
        (await plane.Api.PostAsync("/v1/namespaces/default/external-networks", """{"name":"vpn","subnets":[{"cidr":"30.0.0.0/24"}]}""")).Expect(201);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1", ""","healthCheck":"up" """);
        await plane.ServiceAsync("web");
        await plane.ServiceAsync("inside", ""","type":"NodePort" """);
        (await plane.Api.PostAsync(Fips, """{"name":"attached","externalNetwork":"vn","address":"100.0.0.7","interfaces":["pod1"]}""")).Expect(201);
        (await plane.Api.PostAsync(Fips, """{"name":"away","externalNetwork":"vpn","address":"30.0.0.7","interfaces":["pod1"]}""")).Expect(201);
        await ControlPlane.UntilAsync(() => plane.Compute1.Probes.Count == 1);
        plane.Compute1.Report(plane.Compute1.Probes.Single().Uid, EndpointHealth.Healthy);
        await plane.UntilHopsAsync("100.0.0.7", "172.27.115.242");
        await ControlPlane.UntilAsync(() => plane.Compute1.Carries("100.0.0.7") && plane.Compute1.Carries("30.0.0.7"));

        if (kind == "BgpRouter") (await plane.Api.PutAsync("/v1/bgp-routers/late", """{"address":"10.0.0.1","autonomousSystem":64512}""")).Expect(201);
        else await plane.AddAsync("cn-b", new Drivers.FakeBgpEngine(), "--Bgp:Engine", "gobgp", "--Bgp:RouterId", "10.0.0.1", "--Bgp:ListenAddresses:0", "10.0.0.1");
        await ControlPlane.UntilAsync(() => plane.Compute1.Probes.Count == 0 && Backends() == 0);
        await ControlPlane.UntilAsync(() => plane.Api.Speaker.Paths.Count == 0);
        var endpoint = (await plane.Api.GetAsync($"{Vmis}/pod1")).Expect(200);
        Assert.Equal("False/InfrastructureAddress", ControlPlane.ConditionOf(endpoint, "Ready"));
        Assert.Contains($"10.0.0.1 is the address of {kind}", endpoint.Text, StringComparison.Ordinal);
        foreach (var path in (string[])[ControlPlane.Path("web"), ControlPlane.Path("inside"), $"{Fips}/attached", $"{Fips}/away"])
        {
            await plane.UntilConditionAsync(path, "Ready", "False/NoReadyEndpoints");
            Assert.Contains("VirtualMachineInterface default/pod1 has an address of the infrastructure", (await plane.Api.GetAsync(path)).Text, StringComparison.Ordinal);
        }

        // It is served again with an address of its own.
        (await plane.Api.PatchAsync($"{Vmis}/pod1", """{"addresses":["10.0.0.9"]}""")).Expect(200);
        await ControlPlane.UntilAsync(() => plane.Compute1.Probes.Count == 1);

        int Backends() => plane.Compute1.Table.Values.Count(e => e.Backends.Count + e.Draining.Count > 0);
    }

    [Fact]
    public async Task What_vRouters_that_are_away_may_still_have_is_not_freed_before_they_are_lost()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await Eventually.TrueAsync(async () => await plane.QueryAsync<long>("SELECT count(*) FROM virtual_router_status WHERE connected AND NOT lost AND applied_position > 0") == 2, seconds: 30);
        (await plane.Api.PostAsync("/v1/namespaces/default/services", """{"name":"inside","type":"ClusterIP","ports":[{"port":80}]}""")).Expect(201);
        plane.Compute1.Disconnect();
        plane.Compute2.Disconnect();
        await Eventually.TrueAsync(async () => await plane.QueryAsync<long>("SELECT count(*) FROM virtual_router_status WHERE connected") == 0, seconds: 30);
        (await plane.Api.DeleteAsync("/v1/namespaces/default/services/inside")).Expect(202);
        await Eventually.TrueAsync(async () => (await plane.Api.GetAsync("/v1/namespaces/default/services/inside")).Status == 404, seconds: 30);
        Assert.Equal(2, await plane.QueryAsync<long>("SELECT count(*) FROM virtual_router_status WHERE lost"));
    }
}
