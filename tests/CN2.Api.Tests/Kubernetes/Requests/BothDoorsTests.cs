using System.Text.Json.Nodes;

namespace CN2.Api.Tests.Kubernetes.Requests;

/// <summary>Both doors, one room: writes through either leave what <c>/v1</c> alone would.</summary>
public sealed class BothDoorsTests(WritesServer api) : IClassFixture<WritesServer>
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Random_writes_through_both_doors_leave_what_one_door_would(int seed)
    {
        var random = new Random(seed);
        var (both, one) = ($"both-{seed}", $"one-{seed}");
        await api.NamespaceAsync(both);
        await api.NamespaceAsync(one);
        for (var i = 0; i < 60; i++)
        {
            var name = $"s{random.Next(4)}";
            var write = random.Next(4);
            var port = 1000 + random.Next(5);
            var label = $"{random.Next(3)}";
            var byKubernetes = random.Next(2) == 0;
            var status = byKubernetes ? await KubernetesAsync(both, name, write, port, label) : await V1Async(both, name, write, port, label);
            var expected = await V1Async(one, name, write, port, label);
            Assert.True(status == expected, $"write {write} of {name} by {(byKubernetes ? "Kubernetes" : "/v1")}: {status}, by /v1 alone: {expected}");
            Assert.Equal(await LookAsync(one), await LookAsync(both));
        }
    }

    /// <summary>A write through <c>/v1</c>: true when it was made.</summary>
    private async Task<bool> V1Async(string ns, string name, int write, int port, string label)
    {
        var path = $"/v1/namespaces/{ns}/services";
        var reply = write switch
        {
            0 => await api.PostAsync(path, $$$$"""{"name":"{{{{name}}}}","type":"ClusterIP","labels":{"l":"{{{{label}}}}"},"ports":[{"port":{{{{port}}}}}]}"""),
            1 => await api.PatchAsync($"{path}/{name}", $$$$"""{"labels":{"l":"{{{{label}}}}"}}"""),
            2 => await api.PatchAsync($"{path}/{name}", $$$$"""{"selector":{"p":"{{{{port}}}}"},"ports":[{"name":"a","port":{{{{port}}}}},{"name":"x","port":{{{{port + 100}}}}}]}"""),
            _ => await api.DeleteAsync($"{path}/{name}"),
        };
        return reply.Status < 300;
    }

    /// <summary>The same write through the Kubernetes API.</summary>
    private async Task<bool> KubernetesAsync(string ns, string name, int write, int port, string label)
    {
        var path = $"/api/v1/namespaces/{ns}/services";
        switch (write)
        {
            case 0:
                return (await api.CreateAsync(path, $$$$"""{"metadata":{"name":"{{{{name}}}}","labels":{"l":"{{{{label}}}}"}},"spec":{"ports":[{"port":{{{{port}}}}}]}}""")).Status < 300;
            case 1:
                return (await api.ChangeAsync($"{path}/{name}", $$$$"""{"metadata":{"labels":{"l":"{{{{label}}}}"}}}""", WritesServer.Merge)).Status < 300;
            case 2 when await ReadAsync($"{path}/{name}") is { } read:
                read["spec"]!["selector"] = new JsonObject { ["p"] = $"{port}" };
                read["spec"]!["ports"] = new JsonArray(new JsonObject { ["name"] = "a", ["port"] = port }, new JsonObject { ["name"] = "x", ["port"] = port + 100 });
                return (await api.UpdateAsync($"{path}/{name}", read)).Status < 300;
            case 3:
                return (await api.RemoveAsync($"{path}/{name}")).Status < 300;
            default:
                return false;
        }
    }

    private async Task<JsonNode?> ReadAsync(string path) => await api.ReadAsync(path) is { Status: 200 } found ? found.Json : null;

    /// <summary>The Services as <c>/v1</c> answers them, without what differs between any two.</summary>
    private async Task<string> LookAsync(string ns)
    {
        var items = (await api.GetAsync($"/v1/namespaces/{ns}/services")).Expect(200).Json!["items"]!.AsArray();
        foreach (var item in items)
        {
            foreach (var member in (string[])["namespace", "uid", "createdAt", "updatedAt", "status"]) item!.AsObject().Remove(member);
        }

        return items.ToJsonString();
    }
}
