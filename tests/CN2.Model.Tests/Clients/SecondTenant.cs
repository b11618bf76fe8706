using System.Diagnostics;
using System.Text.Json.Nodes;
using CN2.Model.Tests.Lab;

namespace CN2.Model.Tests.Clients;

/// <summary>
/// Another tenant, with a namespace, a network and endpoints of its own. It asks for one Service after the other and counts how long each
/// takes until it is programmed, and until it is gone after its deletion.
/// </summary>
internal sealed class SecondTenant(ApiClient api, Action<string> tell)
{
    public const string Namespace = "calm";

    /// <summary>How long a Service may take to be programmed, or to go, while nothing but bad items of others is in the way.</summary>
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    private const string Service = $"/v1/namespaces/{Namespace}/services/calm";

    public async Task SetUpAsync()
    {
        await api.PutAsync($"/v1/namespaces/{Namespace}", new JsonObject { ["name"] = Namespace });
        await api.PutAsync($"/v1/namespaces/{Namespace}/external-networks/net", new JsonObject
        {
            ["name"] = "net",
            ["subnets"] = new JsonArray(new JsonObject { ["cidr"] = "100.70.0.0/28" }),
            ["fabricForwarding"] = true,
            ["autoAssign"] = false,
        });
        for (var i = 0; i < ModelLab.VirtualRouters.Length; i++)
        {
            await api.PutAsync($"/v1/namespaces/{Namespace}/virtual-machine-interfaces/calm-{i}", new JsonObject
            {
                ["name"] = $"calm-{i}",
                ["labels"] = new JsonObject { ["app"] = "calm" },
                ["addresses"] = new JsonArray($"10.7.201.{i + 1}"),
                ["virtualRouter"] = ModelLab.VirtualRouters[i],
            });
        }
    }

    /// <param name="until">When to begin no other Service.</param>
    /// <param name="isBounded">No process is killed and no node is down meanwhile: each step must end within <see cref="Bound"/>.</param>
    public async Task RunAsync(DateTimeOffset until, bool isBounded)
    {
        var slowest = TimeSpan.Zero;
        var count = 0;
        while (DateTimeOffset.UtcNow < until)
        {
            await api.PutAsync(Service, new JsonObject
            {
                ["name"] = "calm",
                ["selector"] = new JsonObject { ["app"] = "calm" },
                ["externalNetwork"] = $"{Namespace}/net",
                ["ports"] = new JsonArray(new JsonObject { ["port"] = 80 }),
            });
            slowest = Max(slowest, await UntilAsync("is programmed", IsProgrammed, until, isBounded));
            await api.DeleteAsync(Service);
            slowest = Max(slowest, await UntilAsync("is gone", r => r.Status == 404, until, isBounded));
            count++;
        }

        tell($"the second tenant had {count} Services, the slowest step took {slowest.TotalSeconds:0.00} s");
    }

    private async Task<TimeSpan> UntilAsync(string what, Predicate<Reply> condition, DateTimeOffset until, bool isBounded)
    {
        var clock = Stopwatch.StartNew();
        while (!condition(await api.GetAsync(Service)))
        {
            if (isBounded && clock.Elapsed > Bound) throw new InvalidOperationException($"The second tenant's Service did not come to the point that it {what} within {Bound.TotalSeconds} s: {(await api.GetAsync(Service)).Text}");
            if (!isBounded && DateTimeOffset.UtcNow > until) break;
            await Task.Delay(20);
        }

        return clock.Elapsed;
    }

    private static bool IsProgrammed(Reply reply) =>
        reply.Accepted && reply.Json!["status"]!["conditions"]!.AsArray().Any(c => (string?)c!["type"] == "Programmed" && (string?)c["status"] == "True");

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
