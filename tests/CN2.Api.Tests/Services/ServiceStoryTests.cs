using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Services;

/// <summary>The seed's story, as far as the API alone tells it.</summary>
public sealed class ServiceStoryTests(ApiServerWithoutReconciler api) : IClassFixture<ApiServerWithoutReconciler>
{
    [Fact]
    public async Task A_service_gets_its_addresses_in_the_answer_and_keeps_them()
    {
        (await api.PostAsync("/v1/namespaces", new { name = "ns1", labels = new { ns = "ns1" } })).Expect(201);
        (await api.PostAsync("/v1/namespaces/ns1/external-networks", """
            {"name":"vn-external1","labels":{"service.contrail.juniper.net/externalNetwork":"default-external"},"subnets":[{"cidr":"100.0.0.0/24"}],"fabricForwarding":true}
            """)).Expect(201);
        var created = (await api.PostAsync("/v1/namespaces/ns1/services", """{"name":"my-service","selector":{"app":"web"},"ports":[{"port":8080,"targetPort":80}]}""")).Expect(201);
        var status = created.Json!["status"]!;
        Assert.Equal("[\"100.0.0.2\"]", status["externalIPs"]!.ToJsonString());
        Assert.Equal("[\"10.233.0.1\"]", status["clusterIPs"]!.ToJsonString());
        Assert.Equal("ns1/vn-external1", (string?)status["externalNetwork"]);
        Assert.EndsWith("-my-service-28b76502", (string?)status["floatingIPs"]![0]);
        Assert.EndsWith("-my-service-d7fd4d39", (string?)status["floatingIPs"]![1]);
        Assert.Equal(30000, (int)created.Json["ports"]![0]!["nodePort"]!);
        Assert.Equal("/v1/namespaces/ns1/services/my-service", created.Location);

        var read = (await api.GetAsync(created.Location!)).Expect(200);
        Assert.Equal(created.Text, read.Text);
        var put = (await api.PutAsync(created.Location!, read.Text)).Expect(200);
        Assert.Equal(read.Text, put.Text);

        // Left out: it stays.
        var bare = (await api.PutAsync(created.Location!, """{"selector":{"app":"web"},"ports":[{"port":8080,"targetPort":80}]}""")).Expect(200);
        Assert.Equal(read.Text, bare.Text);

        var fip = (await api.GetAsync("/v1/floating-ips?address=100.0.0.2")).Expect(200).Json!["items"]!.AsArray();
        Assert.Equal("TCP/8080->80", (string?)Assert.Single(fip)!["portMapping"]);
        Assert.Equal("my-service", (string?)fip[0]!["service"]);

        (await api.PostAsync("/v1/namespaces/ns1/external-networks", """{"name":"vn-external2","subnets":[{"cidr":"200.0.0.0/24"}],"fabricForwarding":true}""")).Expect(201);
        var second = (await api.PostAsync("/v1/namespaces/ns1/services", """{"name":"second","externalNetwork":"ns1/vn-external2","ports":[{"port":80}]}""")).Expect(201);
        Assert.Equal("200.0.0.2", (string?)second.Json!["status"]!["externalIPs"]![0]);

        Assert.Equal("in-use", (await api.DeleteAsync("/v1/namespaces/ns1/external-networks/vn-external1")).Expect(409).Code);
        (await api.DeleteAsync(created.Location!)).Expect(204);
        (await api.GetAsync(created.Location!)).Expect(404);
        (await api.DeleteAsync("/v1/namespaces/ns1/external-networks/vn-external1")).Expect(204);
    }
}
