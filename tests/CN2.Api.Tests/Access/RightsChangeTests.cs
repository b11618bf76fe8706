using System.Diagnostics;
using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Access;

/// <summary>What a caller may do changes while it watches, at this replica and at another.</summary>
public sealed class RightsChangeTests(RoleServer api, PrivatePostgres postgres) : IClassFixture<RoleServer>
{
    /// <summary>The contract's second, and some time for a machine under load.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(1) + TimeSpan.FromSeconds(2);

    [Theory]
    [InlineData("/v1/watch?namespace=ns1", false)]
    [InlineData("/v1/watch", false)]
    [InlineData("/api/v1/namespaces/ns1/services?watch=true", true)]
    [InlineData("/api/v1/services?watch=true", true)]
    public async Task A_watch_ends_when_the_right_of_its_caller_ends_on_every_replica(string path, bool isKubernetes)
    {
        await using var replica = new Replica(postgres, api.ConnectionString);
        await ((IAsyncLifetime)replica).InitializeAsync();
        foreach (var server in new RoleServer[] { api, replica })
        {
            var user = $"watcher-{Guid.NewGuid():N}";
            await api.BindAsync(user, "viewer", "ns1");
            var client = isKubernetes ? server.Kubernetes : server.Client;
            await Eventually.TrueAsync(async () => (await server.GetAsAsync(user, "/v1/namespaces/ns1/services")).Status == 200);
            using var watch = await RoleServer.BeginAsync(client, user, HttpMethod.Get, path);
            Assert.Equal(200, (int)watch.StatusCode);
            var end = ReadToEndAsync(watch);
            (await api.DeleteAsync($"/v1/role-bindings/{user}")).Expect(204);
            await end.WaitAsync(Soon, TestContext.Current.CancellationToken);
            using var again = await RoleServer.BeginAsync(client, user, HttpMethod.Get, path);
            Assert.Equal(403, (int)again.StatusCode);
        }
    }

    [Fact]
    public async Task A_namespace_that_is_taken_from_the_caller_is_shown_no_more()
    {
        await api.BindAsync("mover", "viewer", "ns1", "ns2");
        using (var watch = await RoleServer.BeginAsync(api.Client, "mover", HttpMethod.Get, "/v1/watch?kinds=service-health-checks"))
        {
            (await api.PutAsync("/v1/namespaces/ns2/service-health-checks/before", """{"monitorType":"PING"}""")).Expect(201);
            await ReadUntilAsync(watch, "before");
            await api.BindAsync("mover", "viewer", "ns1");
            await ReadToEndAsync(watch).WaitAsync(Soon, TestContext.Current.CancellationToken);
        }

        using var next = await RoleServer.BeginAsync(api.Client, "mover", HttpMethod.Get, "/v1/watch?kinds=service-health-checks");
        (await api.PutAsync("/v1/namespaces/ns2/service-health-checks/hidden", """{"monitorType":"PING"}""")).Expect(201);
        (await api.PutAsync("/v1/namespaces/ns1/service-health-checks/shown", """{"monitorType":"PING"}""")).Expect(201);
        var text = await ReadUntilAsync(next, "shown");
        Assert.DoesNotContain("ns2", text, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_watch_of_the_Kubernetes_API_in_all_namespaces_shows_those_of_the_caller()
    {
        foreach (var path in (string[])["/api/v1/services", "/apis/core.contrail.juniper.net/v1alpha1/floatingips", "/api/v1/namespaces", "/api/v1/events"])
        {
            using var watch = await RoleServer.BeginAsync(api.Kubernetes, "viewer1", HttpMethod.Get, $"{path}?watch=true&timeoutSeconds=20");
            var mark = $"k{Guid.NewGuid():N}"[..12];
            (await api.PutAsync($"/v1/namespaces/{mark}", "{}")).Expect(201);
            (await api.PutAsync($"/v1/namespaces/ns2/services/{mark}-no", """{"type":"ClusterIP","ports":[{"port":80}]}""")).Expect(201);
            (await api.PutAsync($"/v1/namespaces/ns1/services/{mark}-yes", """{"type":"ClusterIP","ports":[{"port":80}]}""")).Expect(201);
            (await api.PutAsync("/v1/namespaces/ns1", new { annotations = new { mark = $"{mark}-yes" } })).Expect(200);
            await ExecuteAsync($"INSERT INTO event (kind, namespace, name, at, type, reason, message) VALUES (4, 'ns2', '{mark}-no', now(), 'Normal', 'T', 'm'), (4, 'ns1', '{mark}-yes', now(), 'Normal', 'T', 'm')");
            var text = await ReadUntilAsync(watch, $"{mark}-yes");
            Assert.DoesNotContain($"{mark}-no", text, StringComparison.Ordinal);
            Assert.DoesNotContain($"\"{mark}\"", text, StringComparison.Ordinal);
            Assert.DoesNotContain("ns2", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_right_counts_at_once_at_the_replica_that_wrote_it_and_within_a_second_elsewhere()
    {
        await using var replica = new Replica(postgres, api.ConnectionString);
        await ((IAsyncLifetime)replica).InitializeAsync();
        await api.BindAsync("newcomer", "viewer", "ns1");
        (await api.GetAsAsync("newcomer", "/v1/namespaces/ns1/services")).Expect(200);
        var clock = Stopwatch.StartNew();
        await Eventually.TrueAsync(async () => (await replica.GetAsAsync("newcomer", "/v1/namespaces/ns1/services")).Status == 200);
        Assert.True(clock.Elapsed < Soon, $"it took {clock.Elapsed}");
        (await replica.DeleteAsync("/v1/role-bindings/newcomer")).Expect(204);
        (await replica.GetAsAsync("newcomer", "/v1/namespaces/ns1/services")).Expect(403);
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var source = Npgsql.NpgsqlDataSource.Create(api.ConnectionString);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    private static async Task ReadToEndAsync(HttpResponseMessage watch)
    {
        try
        {
            await (await watch.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken)).CopyToAsync(Stream.Null, TestContext.Current.CancellationToken);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            // The stream was cut, which ends it as well.
        }
    }

    private static async Task<string> ReadUntilAsync(HttpResponseMessage watch, string word)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Patience.Seconds(20));
        using var lines = new StreamReader(await watch.Content.ReadAsStreamAsync(limit.Token), leaveOpen: true);
        var seen = new System.Text.StringBuilder();
        while (await lines.ReadLineAsync(limit.Token) is { } line)
        {
            seen.AppendLine(line);
            if (line.Contains(word, StringComparison.Ordinal)) return seen.ToString();
        }

        throw new EndOfStreamException($"{word} did not come: {seen}");
    }

    /// <summary>Another server on the same database.</summary>
    private sealed class Replica(PrivatePostgres postgres, string connectionString) : RoleServer(postgres), IAsyncLifetime
    {
        protected override Task<string> DatabaseAsync() => Task.FromResult(connectionString);

        ValueTask IAsyncLifetime.InitializeAsync() => InitializeAsync();
    }
}
