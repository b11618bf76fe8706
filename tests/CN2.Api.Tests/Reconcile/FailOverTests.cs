using CN2.Api.Tests.Drivers;
using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Reconcile;

/// <summary>
/// Two replicas on real PostgreSQL servers that fail over and are restored under them. Whatever was in memory, routes, entries and
/// announcement rows become what the database says.
/// </summary>
public sealed class FailOverTests
{
    private const string Hop1 = "172.27.115.242";

    [Fact]
    public async Task After_a_fail_over_that_lost_the_last_commits_routes_and_entries_follow_the_database()
    {
        using var cluster = new PostgresCluster();
        await using var plane = await StartAsync(cluster);
        var (a, b) = plane.Both;
        await plane.Plane.ServiceAsync("kept");
        await plane.Plane.UntilReadyAsync("kept");
        var standby = cluster.AddStandby("second");
        cluster.Primary.WaitUntilFollowedBy(standby);
        standby.StopFollowing();
        // An asynchronous standby loses what it had not received.
        string[] lost = [.. Enumerable.Range(1, 20).Select(i => $"lost{i}")];
        foreach (var name in lost) await plane.Plane.ServiceAsync(name);
        foreach (var name in lost) await plane.Plane.UntilReadyAsync(name);
        var token = await TokenAsync(a);
        await ControlPlane.UntilAsync(() => Addresses(a).Count == 21 && Addresses(b).Count == 21);

        cluster.Primary.Kill();
        standby.Promote();
        cluster.MoveTo(standby);

        // The database gives the addresses of what was lost to somebody else, maybe before a replica has looked.
        await Eventually.TrueAsync(async () => (await PutServiceAsync(a, "next")).Status is 200 or 201, seconds: 30);
        Assert.Equal("100.0.0.3", (string?)(await a.GetAsync(ControlPlane.Path("next"))).Json!["status"]!["externalIPs"]![0]);
        await plane.Plane.UntilReadyAsync("next");
        await ControlPlane.UntilAsync(() => Announce(a, "100.0.0.2", "100.0.0.3") && Announce(b, "100.0.0.2", "100.0.0.3"));
        await ControlPlane.UntilAsync(() => plane.Plane.Compute1.Carries("100.0.0.3") && plane.Plane.Compute2.Carries("100.0.0.3"));
        await ControlPlane.UntilAsync(() => !plane.Plane.Compute1.WasTold("100.0.0.4") && !plane.Plane.Compute2.WasTold("100.0.0.22"));
        Assert.True(plane.Plane.Compute1.Carries("100.0.0.2"));
        await RowsAgreeAsync(plane.Plane, a, b);
        foreach (var replica in new[] { a, b })
        {
            await Eventually.TrueAsync(async () => (await replica.SendAsync(HttpMethod.Get, "/v1/watch", null, ("Last-Event-ID", token))).Status == 410, seconds: 30);
        }

        // Nothing is left behind that would hold up a deletion or a new Service.
        (await a.DeleteAsync(ControlPlane.Path("kept"))).Expect(202);
        await plane.Plane.UntilGoneAsync(ControlPlane.Path("kept"));
        await plane.Plane.ServiceAsync("last");
        await plane.Plane.UntilReadyAsync("last");
        await ControlPlane.UntilAsync(() => Announce(a, "100.0.0.2", "100.0.0.3") && Announce(b, "100.0.0.2", "100.0.0.3"));
    }

    [Fact]
    public async Task After_a_restore_into_another_cluster_under_the_running_replicas_everything_is_as_in_the_dump()
    {
        using var cluster = new PostgresCluster();
        await using var plane = await StartAsync(cluster);
        var (a, b) = plane.Both;
        foreach (var name in new[] { "kept", "deleted" }) await plane.Plane.ServiceAsync(name);
        foreach (var name in new[] { "kept", "deleted" }) await plane.Plane.UntilReadyAsync(name);
        var dump = cluster.Primary.Dump("cn2");
        (await a.DeleteAsync(ControlPlane.Path("deleted"))).Expect(202);
        await plane.Plane.UntilGoneAsync(ControlPlane.Path("deleted"));
        await plane.Plane.ServiceAsync("later");
        await plane.Plane.UntilReadyAsync("later");
        var token = await TokenAsync(a);

        var other = cluster.AddCluster("other");
        other.Restore("cn2", dump);
        cluster.Primary.Stop();
        cluster.MoveTo(other);

        await Eventually.TrueAsync(async () => (await a.SendAsync(HttpMethod.Get, "/v1/watch", null, ("Last-Event-ID", token))).Status == 410, seconds: 30);
        await Eventually.TrueAsync(async () => (await b.GetAsync(ControlPlane.Path("deleted"))).Status == 200, seconds: 30);
        await plane.Plane.UntilConditionAsync(ControlPlane.Path("deleted"), "Ready", "True/Ready");
        Assert.Equal(404, (await a.GetAsync(ControlPlane.Path("later"))).Status);
        await ControlPlane.UntilAsync(() => Announce(a, "100.0.0.2", "100.0.0.3") && Announce(b, "100.0.0.2", "100.0.0.3"));
        await plane.Plane.ServiceAsync("new");
        await plane.Plane.UntilReadyAsync("new");
        await ControlPlane.UntilAsync(() => Announce(a, "100.0.0.2", "100.0.0.3", "100.0.0.4") && Announce(b, "100.0.0.2", "100.0.0.3", "100.0.0.4"));
        await RowsAgreeAsync(plane.Plane, a, b);

        // What was deleted before the restore came back, and can be deleted again; the rows that came back with it are nobody's.
        (await a.DeleteAsync(ControlPlane.Path("deleted"))).Expect(202);
        await plane.Plane.UntilGoneAsync(ControlPlane.Path("deleted"));

        // A token is good after the restore, also when a replica was restarted.
        await plane.Plane.StopAsync(b);
        var again = await plane.Plane.AddAsync("cn-b", b.Engine);
        Assert.Equal(200, await StatusOfWatchAsync(again, await TokenAsync(again)));
    }

    [Fact]
    public async Task A_dump_restored_into_the_same_database_is_noticed()
    {
        using var cluster = new PostgresCluster();
        await using var plane = await StartAsync(cluster);
        var (a, b) = plane.Both;
        await plane.Plane.ServiceAsync("kept");
        await plane.Plane.UntilReadyAsync("kept");
        var dump = cluster.Primary.Dump("cn2");
        await plane.Plane.ServiceAsync("later");
        await plane.Plane.UntilReadyAsync("later");

        cluster.Switch.Cut();
        cluster.Primary.Query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'cn2'");
        cluster.Primary.Query("DROP DATABASE cn2");
        cluster.Primary.Restore("cn2", dump);
        cluster.MoveTo(cluster.Primary);

        await ControlPlane.UntilAsync(() => Announce(a, "100.0.0.2") && Announce(b, "100.0.0.2"));
        await Eventually.TrueAsync(async () => (await PutServiceAsync(a, "new")).Status is 200 or 201, seconds: 30);
        // When the restore takes long, the server sends its agents away, and they come back.
        foreach (var node in (FakeNode[])[plane.Plane.Compute1, plane.Plane.Compute2])
            if (a.Agents.SentAway.TryRemove(node.Name, out _)) node.ConnectTo(a.Agents);
        await plane.Plane.UntilReadyAsync("new");
        await ControlPlane.UntilAsync(() => Announce(a, "100.0.0.2", "100.0.0.3") && Announce(b, "100.0.0.2", "100.0.0.3"));
    }

    [Fact]
    public async Task A_transaction_left_open_in_another_database_holds_back_nothing()
    {
        using var cluster = new PostgresCluster();
        await using var plane = await StartAsync(cluster);
        var (a, b) = plane.Both;
        await plane.Plane.ServiceAsync("before");
        await plane.Plane.UntilReadyAsync("before");
        await using var connection = new Npgsql.NpgsqlConnection(cluster.Primary.ConnectionString("postgres"));
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var open = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using var assign = new Npgsql.NpgsqlCommand("SELECT pg_current_xact_id()", connection, open);
        await assign.ExecuteScalarAsync(TestContext.Current.CancellationToken);

        await plane.Plane.ServiceAsync("new");
        await plane.Plane.UntilReadyAsync("new");
        await ControlPlane.UntilAsync(() => Announce(a, "100.0.0.2", "100.0.0.3") && Announce(b, "100.0.0.2", "100.0.0.3"));
        (await a.DeleteAsync(ControlPlane.Path("before"))).Expect(202);
        await plane.Plane.UntilGoneAsync(ControlPlane.Path("before"));
        await ControlPlane.UntilAsync(() => Announce(a, "100.0.0.3") && Announce(b, "100.0.0.3"));
        plane.Plane.Compute1.Disconnect();
        await ControlPlane.UntilAsync(() => !ControlPlane.HopsOf(a, "100.0.0.3").Contains(Hop1) && !ControlPlane.HopsOf(b, "100.0.0.3").Contains(Hop1));

        // A replica that starts meanwhile serves too.
        plane.Plane.Compute2.ConnectTo(a.Agents);
        await plane.Plane.StopAsync(b);
        var again = await plane.Plane.AddAsync("cn-b", b.Engine);
        await plane.Plane.ServiceAsync("third");
        await ControlPlane.UntilAsync(() => Announce(a, "100.0.0.2", "100.0.0.3") && Announce(again, "100.0.0.2", "100.0.0.3"));
    }

    /// <summary>Replicas cn-a and cn-b by the switch, an agent at each, one endpoint on each node.</summary>
    private static async Task<TwoReplicas> StartAsync(PostgresCluster cluster)
    {
        cluster.Primary.Query("CREATE DATABASE cn2");
        var plane = await ControlPlane.StartAsync(cluster.ConnectionString("cn2"));
        var a = plane.Api;
        var b = await plane.AddAsync("cn-b", new FakeBgpEngine());
        plane.Compute2.ConnectTo(b.Agents);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.EndpointAsync("pod2", "compute2", "10.0.0.2");
        return new TwoReplicas(plane, (a, b));
    }

    /// <summary>The speaker of this replica has routes for these addresses and for no other.</summary>
    private static bool Announce(Replica replica, params string[] addresses) =>
        Addresses(replica).SequenceEqual(addresses);

    private static List<string> Addresses(Replica replica) => [.. replica.Speaker.Paths.Select(p => p.Prefix.ToString()).Distinct().Order()];

    /// <summary>What each speaker announces stands in a row, and every row that has paths is announced.</summary>
    private static Task RowsAgreeAsync(ControlPlane plane, params Replica[] replicas) => Eventually.TrueAsync(async () =>
    {
        foreach (var replica in replicas)
        {
            var rows = await plane.QueryAsync<string>(
                $"SELECT coalesce(string_agg(host(f.address), ',' ORDER BY f.address), '') FROM advertisement a JOIN floating_ip f ON f.uid = a.floating_ip_uid WHERE a.control_node = '{replica.Name}' AND a.routes <> '[]'");
            if (rows != string.Join(',', replica.Speaker.Paths.Select(p => p.Prefix.ToString()).Distinct().Order())) return false;
        }

        return true;
    }, seconds: 30);

    private static Task<Reply> PutServiceAsync(Replica api, string name) =>
        api.PutAsync(ControlPlane.Path(name), """{"selector":{"app":"web"},"ports":[{"port":8080,"targetPort":80}]}""");

    /// <summary>The token of <c>synced</c>.</summary>
    private static async Task<string> TokenAsync(Replica api)
    {
        using var response = await OpenAsync(api, null);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        var synced = false;
        while (await reader.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            synced |= line == "event: synced";
            if (synced && line.StartsWith("id: ", StringComparison.Ordinal)) return line[4..];
        }

        throw new InvalidOperationException("The watch ended before synced.");
    }

    private static async Task<int> StatusOfWatchAsync(Replica api, string token)
    {
        using var response = await OpenAsync(api, token);
        return (int)response.StatusCode;
    }

    private static Task<HttpResponseMessage> OpenAsync(Replica api, string? token)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/v1/watch?kinds=services");
        if (token is not null) request.Headers.Add("Last-Event-ID", token);
        return api.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
    }

    private sealed record TwoReplicas(ControlPlane Plane, (Replica A, Replica B) Both) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => Plane.DisposeAsync();
    }
}
