using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using CN2.Model.Tests.Clients;
using CN2.Model.Tests.Invariants;
using CN2.Model.Tests.Lab;
using Npgsql;

namespace CN2.Model.Tests;

/// <summary>All agents are cut off from the server at once, while every node forwards: that is the control plane's own fault, and no user pays for it.</summary>
[Collection("processes")] // one such world at a time
public sealed class CutOffTests
{
    private const string Cut = "table inet cut { chain input { type filter hook input priority 0; tcp dport 8081 drop; }; chain output { type filter hook output priority 0; tcp sport 8081 drop; }; }";
    private const string Address = WebService.Address;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task While_all_agents_are_cut_off_no_route_goes_and_no_request_is_lost_and_one_dead_node_alone_is_still_lost()
    {
        await using var lab = new ModelLab();
        using var http = lab.OpenHttp();
        var api = new ApiClient(http);
        var hops = await AnnouncedHopsAsync(lab, api);
        foreach (var (name, hop) in ModelLab.VirtualRouters.Zip(hops)) lab.RouterHost.Ip($"route add {Address}/32 via {hop} table {Table(name)}\nrule add tos 0x{Tos(name):x2} lookup {Table(name)}");

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var (requests, missing) = (0, new List<string>());
        var clients = ModelLab.VirtualRouters.Select(v => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                var failure = await RequestAsync(lab, Tos(v));
                Interlocked.Increment(ref requests);
                if (failure is not null)
                {
                    lock (missing) missing.Add($"{v}: {failure}");
                }
            }
        }, Cancellation)).ToList();
        var watching = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                var seen = Hops(lab);
                lock (missing)
                {
                    if (!seen.SequenceEqual(hops)) missing.Add($"the router has only [{string.Join(", ", seen)}]");
                }

                await Task.Delay(100, CancellationToken.None);
            }
        }, Cancellation);

        lab.Control.ExecWith(Cut, "nft", "-f", "-");
        await Eventually.TrueAsync(async () => await QueryAsync<long>(lab, "SELECT count(*) FROM virtual_router_status WHERE last_seen_at < now() - interval '20 seconds'") == 2, "20 s of silence", 60);
        foreach (var name in ModelLab.VirtualRouters) Assert.Equal("Unknown/MassLoss", await ConnectedAsync(api, name));
        Assert.Contains("MassLoss", (await api.GetAsync("/v1/events?regarding=virtual-routers/vr1")).Text, StringComparison.Ordinal);
        Assert.Contains("cn2_vrouter_held 2", await http.GetStringAsync(new Uri("/metrics", UriKind.Relative), Cancellation), StringComparison.Ordinal);
        lab.Control.Exec("nft", "delete", "table", "inet", "cut");
        foreach (var name in ModelLab.VirtualRouters) await Eventually.TrueAsync(async () => await ConnectedAsync(api, name) == "True/Connected", "it is back", 60);
        await stop.CancelAsync();
        await Task.WhenAll([.. clients, watching]);
        Assert.True(missing.Count == 0, $"{missing.Count} of {requests}: {string.Join("; ", missing.Take(10))}");
        Assert.True(requests > 100, $"only {requests} requests were made");

        lab.Agents["vr2"].Kill();
        await Eventually.TrueAsync(() => Hops(lab).SequenceEqual([hops[0]]), "the route of the dead agent goes", 60);
    }

    [Fact]
    public async Task A_second_agent_of_a_name_and_one_with_a_taken_address_disturb_nobody_and_an_agent_may_change_its_address()
    {
        await using var lab = new ModelLab();
        using var http = lab.OpenHttp();
        var api = new ApiClient(http);
        var hops = await AnnouncedHopsAsync(lab, api);
        var events = await EventsAsync(api, "Disconnected");

        using (var second = lab.StartAgent("second", "vr1", lab.RouterHost, ModelLab.RouterAddress, "fd07::9"))
        {
            await Eventually.TrueAsync(() => second.Output.Contains("the name vr1 is in use by the agent at 172.31.7.11", StringComparison.Ordinal), "it is refused with a sentence", 60, () => second.Output);
            await Eventually.TrueAsync(async () => await ConditionAsync(api, "vr1", "DuplicateAgent") is { } c && ((string)c["message"]!).Contains(ModelLab.RouterAddress, StringComparison.Ordinal), "the condition names it", 60);
        }

        using (var thief = lab.StartAgent("thief", "compute9", lab.RouterHost, hops[1], "fd07::9"))
        {
            await Eventually.TrueAsync(() => thief.Output.Contains("is in use by another VirtualRouter", StringComparison.Ordinal), "it is refused with a sentence", 60, () => thief.Output);
            await Eventually.TrueAsync(async () => await ConditionAsync(api, "vr2", "AddressTaken") is not null, "the condition is there", 60);
            // Its hello stops nobody's reports: a dead node is lost.
            lab.Agents["vr1"].Kill();
            await Eventually.TrueAsync(() => Hops(lab).SequenceEqual([hops[1]]), "the route of the dead agent goes", 60);
        }

        Assert.Equal(404, (await api.GetAsync("/v1/virtual-routers/compute9")).Status);
        Assert.Equal(events + 1, await EventsAsync(api, "Disconnected")); // the killed one; the first agent of vr1 never noticed the second
        lab.Nodes["vr1"].Ip("addr add 172.31.7.77/24 dev eth0");
        using var moved = lab.StartAgent("moved", "vr1", lab.Nodes["vr1"], "172.31.7.77", ModelLab.AddressOf("vr1", 6));
        await Eventually.TrueAsync(() => Hops(lab).SequenceEqual([hops[1], "172.31.7.77"]), "its routes follow", 60, () => moved.Output);
        foreach (var name in ModelLab.VirtualRouters)
            await Eventually.TrueAsync(async () => await ConditionAsync(api, name, "DuplicateAgent") is null && await ConditionAsync(api, name, "AddressTaken") is null, "the conditions go", 60);
    }

    private static async Task<int> EventsAsync(ApiClient api, string reason) =>
        (await api.GetAsync("/v1/events?regarding=virtual-routers/vr1")).Json!["items"]!.AsArray().Count(e => (string?)e!["reason"] == reason);

    private static async Task<JsonNode?> ConditionAsync(ApiClient api, string name, string type) =>
        (await api.GetAsync($"/v1/virtual-routers/{name}")).Json?["status"]?["conditions"]?.AsArray().FirstOrDefault(c => (string?)c!["type"] == type);

    /// <summary>The next hops of the FloatingIP, when the router has the routes of both vRouters.</summary>
    private static async Task<string[]> AnnouncedHopsAsync(ModelLab lab, ApiClient api)
    {
        await WebService.CreateAsync(api, ModelLab.RouterAddress);
        string[] hops = [.. ModelLab.VirtualRouters.Select(v => ModelLab.AddressOf(v, 4))];
        await Eventually.TrueAsync(() => Hops(lab).SequenceEqual(hops), "both routes are out", 60);
        return hops;
    }

    /// <summary>Next hops of the Service's route at the router.</summary>
    private static List<string> Hops(ModelLab lab) =>
        [.. Reality.ReadRib(lab, lab.RouterTarget, "ipv4").Where(p => p.Prefix.StartsWith(Address + "/", StringComparison.Ordinal)).Select(p => p.NextHop).Order(StringComparer.Ordinal)];

    private static async Task<string?> RequestAsync(ModelLab lab, int tos)
    {
        using var socket = lab.RouterHost.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.TypeOfService, tos);
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        try
        {
            await socket.ConnectAsync(IPAddress.Parse(Address), 80, timeout.Token);
            return null;
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            return e.Message;
        }
    }

    private static async Task<string> ConnectedAsync(ApiClient api, string name)
    {
        var condition = await ConditionAsync(api, name, "Connected");
        return $"{condition?["status"]}/{condition?["reason"]}";
    }

    // The router here has no kernel routes of its own, so the test routes by the type of service: one for each node.
    private static int Tos(string name) => name == "vr1" ? 8 : 16;

    private static int Table(string name) => name == "vr1" ? 101 : 102;

    private static async Task<T> QueryAsync<T>(ModelLab lab, string sql)
    {
        await using var connection = new NpgsqlConnection(lab.ConnectionString);
        await connection.OpenAsync(Cancellation);
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync(Cancellation))!;
    }
}
