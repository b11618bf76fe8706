using CN2.Api.Tests.Kubernetes.Requests;

namespace CN2.Api.Tests.Allocation;

/// <summary>A Service that asks for something that is taken gets nothing else either: what it also asked for is in the pools as before.</summary>
public sealed class RefusedServiceTests(WritesServer api) : IClassFixture<WritesServer>
{
    private const string Services = "/api/v1/namespaces/refused/services";

    [Fact]
    public async Task What_a_refused_Service_asked_for_stays_in_the_pools()
    {
        (await api.PostAsync("/v1/namespaces", """{"name":"refused"}""")).Expect(201);
        (await api.PostAsync("/v1/namespaces/refused/external-networks", """{"name":"net","subnets":[{"cidr":"47.0.0.0/29"}]}""")).Expect(201);
        (await api.CreateAsync(Services, Of("first", 30500, "47.0.0.2", "10.233.0.200"))).Expect(201);
        await SoundAsync();
        (string Why, string Service)[] refused =
        [
            ("node port", Of("second", 30500, "47.0.0.3", "10.233.0.201", 30501)),
            ("node port", Of("second", 30501, "47.0.0.3", "10.233.0.201", 30500)),
            ("external address", Of("second", 30501, "47.0.0.2", "10.233.0.201", 30502)),
            ("cluster IP", Of("second", 30501, "47.0.0.3", "10.233.0.200", 30502)),
        ];
        foreach (var (why, service) in refused)
        {
            var reply = await api.CreateAsync(Services, service);
            Assert.True(reply.Status is 409 or 422, $"{why}: {reply.Text}");
            await SoundAsync();
        }

        (await api.PostAsync("/v1/namespaces/refused/services", """{"name":"v1","type":"NodePort","ports":[{"port":1,"nodePort":30501,"protocol":"UDP"},{"port":2,"nodePort":30500}]}""")).Expect(409);
        await SoundAsync();

        // The same for a change.
        (await api.CreateAsync(Services, Of("second", 30510, "47.0.0.4", "10.233.0.210"))).Expect(201);
        (await api.PatchAsync("/v1/namespaces/refused/services/second", """{"loadBalancerIPs":["47.0.0.5"],"ports":[{"name":"a","port":1,"nodePort":30511},{"name":"b","port":2,"nodePort":30500}]}""")).Expect(409);
        await SoundAsync();
        (await api.CreateAsync(Services, Of("third", 30501, "47.0.0.3", "10.233.0.201", 30502))).Expect(201);
        await SoundAsync();
    }

    private static string Of(string name, int nodePort, string external, string cluster, int? second = null) =>
        $$$"""
        {"metadata":{"name":"{{{name}}}","annotations":{"service.contrail.juniper.net/externalNetwork":"refused/net"}},"spec":{"type":"LoadBalancer","loadBalancerIP":"{{{external}}}","clusterIP":"{{{cluster}}}",
         "ports":[{"name":"a","port":1,"nodePort":{{{nodePort}}}}{{{(second is null ? "" : $$"""
        ,{"name":"b","port":2,"nodePort":{{second}}}
        """)}}}]}}
        """;

    private Task SoundAsync() => PoolAudit.ExpectSoundAsync(api.ConnectionString);
}
