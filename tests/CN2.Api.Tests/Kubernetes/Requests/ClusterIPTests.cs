using System.Net;
using System.Text.Json.Nodes;

namespace CN2.Api.Tests.Kubernetes.Requests;

/// <summary>Services that name their cluster IPs, as a saved manifest does.</summary>
public sealed class ClusterIPTests(WritesServer api) : IClassFixture<WritesServer>
{
    private static string Service(string name, string more) => $$$$"""{"metadata":{"name":"{{{{name}}}}"},"spec":{"ports":[{"port":80}]{{{{more}}}}}}""";

    private static string Path(string ns) => $"/api/v1/namespaces/{ns}/services";

    [Fact]
    public async Task A_saved_service_is_created_again_with_the_addresses_and_ports_it_had()
    {
        await api.NamespaceAsync("saved", "46.0.0.0/24");
        foreach (var (name, more) in (IEnumerable<(string, string)>)
        [
            ("single", ",\"type\":\"ClusterIP\""), ("nodes", ",\"type\":\"NodePort\""), ("dual", ",\"type\":\"ClusterIP\",\"ipFamilies\":[\"IPv6\",\"IPv4\"],\"ipFamilyPolicy\":\"RequireDualStack\""),
            ("balanced", ",\"type\":\"LoadBalancer\""),
        ])
        {
            var saved = (await api.CreateAsync(Path("saved"), Service(name, more))).Expect(201).Json!;
            (await api.RemoveAsync($"{Path("saved")}/{name}")).Expect(200);
            await Eventually.TrueAsync(async () => (await api.ReadAsync($"{Path("saved")}/{name}")).Status == 404);
            (await api.CreateAsync(Path("saved"), Service($"{name}-between", ",\"type\":\"ClusterIP\""))).Expect(201);
            ((JsonObject)saved["metadata"]!).Remove("resourceVersion"); // as kubectl replace --force does
            var again = await api.CreateAsync(Path("saved"), saved);
            if (again.Status == 422)
            {
                // The Service between has taken the lowest free address.
                (await api.RemoveAsync($"{Path("saved")}/{name}-between")).Expect(200);
                await Eventually.TrueAsync(async () => (await api.ReadAsync($"{Path("saved")}/{name}-between")).Status == 404);
                again = await api.CreateAsync(Path("saved"), saved);
            }

            Assert.Equal(saved["spec"]!.ToJsonString(), again.Expect(201).Json!["spec"]!.ToJsonString());
            Assert.NotEqual((string?)saved["metadata"]!["uid"], (string?)again.Json!["metadata"]!["uid"]);
        }
    }

    [Fact]
    public async Task A_cluster_IP_that_is_taken_or_of_another_network_is_refused_as_in_kubernetes()
    {
        await api.NamespaceAsync("chosen");
        var first = (string)(await api.CreateAsync(Path("chosen"), Service("first", ""))).Expect(201).Json!["spec"]!["clusterIP"]!;
        var taken = (await api.CreateAsync(Path("chosen"), Service("second", $",\"clusterIP\":\"{first}\""))).Expect(422, "Invalid");
        Assert.Equal($"Service \"second\" is invalid: spec.clusterIPs: Invalid value: [\"{first}\"]: failed to allocate IP {first}: provided IP is already allocated", taken.Message);
        Assert.Equal(["spec.clusterIPs"], taken.Fields);
        (await api.CreateAsync($"{Path("chosen")}?dryRun=All", Service("second", $",\"clusterIP\":\"{first}\""))).Expect(422, "Invalid");
        Assert.Contains("is not in the valid range", (await api.CreateAsync(Path("chosen"), Service("second", ",\"clusterIP\":\"192.0.2.1\""))).Expect(422, "Invalid").Message, StringComparison.Ordinal);
        Assert.Equal(["spec.clusterIPs[0]"], (await api.CreateAsync(Path("chosen"), Service("second", ",\"clusterIP\":\"1.2.3\""))).Expect(422, "Invalid").Fields);
        Assert.Equal(["spec.clusterIPs"], (await api.CreateAsync(Path("chosen"), Service("second", $",\"clusterIP\":\"{first}\",\"clusterIPs\":[\"192.0.2.2\"]"))).Expect(422, "Invalid").Fields);
        Assert.Equal(["spec.clusterIPs[0]"], (await api.CreateAsync(Path("chosen"), Service("second", $",\"clusterIP\":\"{first}\",\"ipFamilies\":[\"IPv6\"]"))).Expect(422, "Invalid").Fields);
        Assert.Equal(["spec.clusterIP"], (await api.CreateAsync(Path("chosen"), Service("second", ",\"clusterIP\":\"None\""))).Expect(422, "Invalid").Fields);
    }

    [Fact]
    public async Task A_cluster_IP_that_was_chosen_is_given_to_nobody_else()
    {
        await api.NamespaceAsync("once");
        var first = IPAddress.Parse((string)(await api.CreateAsync(Path("once"), Service("first", ""))).Expect(201).Json!["spec"]!["clusterIP"]!);
        var bytes = first.GetAddressBytes();
        bytes[3] += 5;
        var asked = new IPAddress(bytes).ToString();
        Assert.Equal(asked, (string?)(await api.CreateAsync(Path("once"), Service("asked", $",\"clusterIPs\":[\"{asked}\"]"))).Expect(201).Json!["spec"]!["clusterIP"]);
        Assert.Equal(asked, (string?)(await api.GetAsync("/v1/namespaces/once/services/asked")).Expect(200).Json!["status"]!["clusterIPs"]![0]);
        for (var i = 0; i < 10; i++) Assert.NotEqual(asked, (string?)(await api.CreateAsync(Path("once"), Service($"other{i}", ""))).Expect(201).Json!["spec"]!["clusterIP"]);

        var six = (string)(await api.CreateAsync(Path("once"), Service("six", ",\"ipFamilies\":[\"IPv6\"]"))).Expect(201).Json!["spec"]!["clusterIP"]!;
        (await api.RemoveAsync($"{Path("once")}/six")).Expect(200);
        var again = (await api.CreateAsync(Path("once"), Service("six", $",\"clusterIP\":\"{six}\""))).Expect(201).Json!;
        Assert.Equal("IPv6", (string?)again["spec"]!["ipFamilies"]![0]); // it follows from the address
    }

    [Fact]
    public async Task Of_many_who_ask_for_one_cluster_IP_at_once_one_gets_it()
    {
        await api.NamespaceAsync("race");
        var address = (string)(await api.CreateAsync(Path("race"), Service("s", ""))).Expect(201).Json!["spec"]!["clusterIP"]!;
        for (var round = 0; round < 4; round++)
        {
            (await api.RemoveAsync($"{Path("race")}/s")).Expect(200);
            await Eventually.TrueAsync(async () => (await api.ReadAsync($"{Path("race")}/s")).Status == 404);
            var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => api.CreateAsync(Path("race"), Service($"r{round}-{i}", $",\"clusterIP\":\"{address}\""))));
            var won = Assert.Single(answers, a => a.Status == 201);
            Assert.All(answers.Where(a => a != won), a => a.Expect(422, "Invalid"));
            (await api.RemoveAsync($"{Path("race")}/{won.Json!["metadata"]!["name"]}")).Expect(200);
            (await api.CreateAsync(Path("race"), Service("s", $",\"clusterIP\":\"{address}\""))).Expect(201);
        }
    }

    [Fact]
    public async Task A_second_family_may_name_its_cluster_IP()
    {
        await api.NamespaceAsync("later");
        var saved = (await api.CreateAsync(Path("later"), Service("s", ",\"ipFamilies\":[\"IPv4\",\"IPv6\"]"))).Expect(201).Json!["spec"]!["clusterIPs"]!.DeepClone();
        (await api.RemoveAsync($"{Path("later")}/s")).Expect(200);
        await Eventually.TrueAsync(async () => (await api.ReadAsync($"{Path("later")}/s")).Status == 404);
        var read = (await api.CreateAsync(Path("later"), Service("s", $",\"clusterIP\":\"{saved[0]}\""))).Expect(201).Json!;
        read["spec"]!["clusterIPs"] = saved.DeepClone();
        read["spec"]!["ipFamilies"] = new JsonArray("IPv4", "IPv6");
        read["spec"]!["ipFamilyPolicy"] = "RequireDualStack";
        Assert.Equal(saved.ToJsonString(), (await api.UpdateAsync($"{Path("later")}/s", read)).Expect(200).Json!["spec"]!["clusterIPs"]!.ToJsonString());
    }
}
