using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using CN2.Api.Tests.Drivers;
using CN2.Api.Tests.Fixtures;
using Npgsql;

namespace CN2.Api.Tests.Reconcile;

/// <summary>
/// A database with replicas on it, and two compute nodes. The network <c>default/vn</c> is 100.0.0.0/24, so that the first Service gets
/// 100.0.0.2; endpoints are labelled <c>app=web</c>.
/// </summary>
internal sealed class ControlPlane : IAsyncDisposable
{
    private readonly List<Replica> _replicas = [];
    private readonly string _database;
    private int _passed;

    private ControlPlane(string database) => _database = database;

    /// <summary>The time of all replicas; PostgreSQL's own is not moved.</summary>
    public JumpingTime Time { get; } = new();

    public FakeBgpEngine Engine { get; } = new();

    public FakeNode Compute1 { get; } = new("compute1", "172.27.115.242");

    public FakeNode Compute2 { get; } = new("compute2", "172.27.115.243");

    /// <summary>The replica that was started last and still runs.</summary>
    public Replica Api => _replicas[^1];

    public string ConnectionString => _database;

    /// <summary>One replica, both nodes connected to it, a network, and a router whose session is up.</summary>
    public static async Task<ControlPlane> StartAsync(PrivatePostgres postgres, params string[] settings) =>
        await StartAsync(await postgres.CreateDatabaseAsync(), settings);

    /// <summary>The same on an empty database of a server of its own.</summary>
    public static async Task<ControlPlane> StartAsync(string connectionString, params string[] settings)
    {
        var plane = new ControlPlane(connectionString);
        var api = await plane.AddAsync("cn-a", plane.Engine, settings);
        plane.Compute1.ConnectTo(api.Agents);
        plane.Compute2.ConnectTo(api.Agents);
        (await api.PostAsync("/v1/namespaces/default/external-networks", """
            {"name":"vn","labels":{"service.contrail.juniper.net/externalNetwork":"default-external"},"subnets":[{"cidr":"100.0.0.0/24"}],"fabricForwarding":true,"quarantineSeconds":0}
            """)).Expect(201);
        (await api.PostAsync("/v1/bgp-routers", """{"name":"vmx1","address":"172.27.115.245","autonomousSystem":64512,"gracefulRestart":{"enabled":true,"restartTime":8}}""")).Expect(201);
        await api.EstablishAsync("vmx1");
        return plane;
    }

    public async Task<Replica> AddAsync(string name, FakeBgpEngine engine, params string[] settings)
    {
        var replica = new Replica(_database, name, engine, Time, ["--VRouters:LostAfterSeconds", "3", .. settings]);
        _replicas.Add(replica);
        await replica.InitializeAsync();
        return replica;
    }

    /// <summary>The replica is gone from one moment to the next; what its engine and the nodes hold stays.</summary>
    public async Task StopAsync(Replica replica)
    {
        _replicas.Remove(replica);
        await replica.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var replica in _replicas) await replica.DisposeAsync();
    }

    public Task EndpointAsync(string name, string node, string address, string more = "") => ExpectAsync(
        Api.PutAsync($"/v1/namespaces/default/virtual-machine-interfaces/{name}", $$"""{"labels":{"app":"web"},"addresses":["{{address}}"],"virtualRouter":"{{node}}"{{more}}}"""));

    public Task<Reply> ServiceAsync(string name, string more = "") => ExpectAsync(
        Api.PutAsync($"/v1/namespaces/default/services/{name}", $$"""{"selector":{"app":"web"},"ports":[{"port":8080,"targetPort":80}]{{more}}}"""));

    public static string Path(string service) => $"/v1/namespaces/default/services/{service}";

    /// <summary>Next hops by which the speaker has this address.</summary>
    public static IReadOnlyList<string> HopsOf(Replica replica, string address) =>
        [.. replica.Speaker.Paths.Where(p => p.Prefix.ToString() == address).Select(p => p.NextHop.ToString()).Order()];

    public IReadOnlyList<string> HopsOf(string address) => HopsOf(Api, address);

    public static Task UntilAsync(Func<bool> condition, int seconds = 30, [CallerArgumentExpression(nameof(condition))] string expression = "") =>
        Eventually.TrueAsync(condition, expression, seconds);

    public Task UntilHopsAsync(string address, params string[] hops) => UntilAsync(() => HopsOf(address).SequenceEqual(hops));

    public async Task UntilGoneAsync(string path) => await Eventually.TrueAsync(async () => (await Api.GetAsync(path)).Status == 404, seconds: 30);

    /// <summary>
    /// Makes a change and waits until it has passed through these replicas down to their speakers: what they had to do before it is done.
    /// For tests in which nothing may happen.
    /// </summary>
    public async Task LetAChangePassAsync(params Replica[] replicas)
    {
        var router = $"passed{++_passed}";
        await ExpectAsync(Api.PutAsync($"/v1/bgp-routers/{router}", $$$"""{"address":"198.51.100.{{{_passed}}}","autonomousSystem":64512,"gracefulRestart":{"enabled":true,"restartTime":8}}"""));
        foreach (var replica in replicas) await UntilAsync(() => replica.Speaker.Peers.Any(p => p.Name == router));
    }

    /// <summary>The same as far as the agents and the leader, for replicas whose speaker is away: another Service is programmed, and its status says so.</summary>
    public async Task LetAnotherServiceBeProgrammedAsync()
    {
        var service = $"passed{++_passed}";
        await ServiceAsync(service);
        await UntilConditionAsync(Path(service), "Programmed", "True/Programmed");
    }

    /// <summary>Waits until a condition reads <c>status/reason</c>.</summary>
    public async Task UntilConditionAsync(string path, string type, string expected, Replica? api = null)
    {
        var last = "";
        try
        {
            await Eventually.TrueAsync(async () => (last = ConditionOf(await (api ?? Api).GetAsync(path), type)) == expected, seconds: 30);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{path}: {type} is {last}, not {expected}: {(await (api ?? Api).GetAsync(path)).Text}", e);
        }
    }

    public Task UntilReadyAsync(string service) => UntilConditionAsync(Path(service), "Ready", "True/Ready");

    /// <summary>A condition as <c>status/reason</c>; empty if there is none.</summary>
    public static string ConditionOf(Reply reply, string type) => ConditionOf(reply.Json, type);

    public static string ConditionOf(JsonNode? resource, string type) => Reply.Condition(resource, type) is { } c ? $"{c["status"]}/{c["reason"]}" : "";

    /// <summary>The FloatingIP that has an address, or null.</summary>
    public async Task<JsonNode?> FloatingIPAsync(string address, Replica? api = null) =>
        (await (api ?? Api).GetAsync($"/v1/floating-ips?address={address}")).Expect(200).Json!["items"]!.AsArray().SingleOrDefault();

    public async Task<T> QueryAsync<T>(string sql)
    {
        await using var connection = new NpgsqlConnection(_database);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    private static async Task<Reply> ExpectAsync(Task<Reply> sending)
    {
        var reply = await sending;
        Assert.True(reply.Status is 200 or 201, reply.Text);
        return reply;
    }
}
