using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using CN2.Api;
using CN2.Api.Data;
using CN2.Api.Options;
using CN2.Api.Reconcile;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace CN2.Simulation.Tests.Contracts;

/// <summary>
/// The stores with SQL, of a server whose reconciler does not run, with a real PostgreSQL; users' requests go to its API. Time passes by moving all times
/// that are stored.
/// </summary>
public sealed class PostgresStores : StoreSite, IAsyncLifetime
{
    private const string Collection = "/v1/namespaces/default";
    private readonly TemporaryDirectory _directory = new("cn2-contract-");
    private PostgresServer _server = null!;
    private string _database = null!;

    /// <summary>Process → stores of which it has one each, because they know what they wrote.</summary>
    private readonly Dictionary<(string Process, Type Store), object> _own = [];
    private WebApplication _app = null!;
    private HttpClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _server = new PostgresServer(_directory.Path, PostgresServer.WithoutDurability);
        // A machine that is busy with other tests may take longer than the seconds that the API gives a connection.
        _database = _server.ConnectionString("postgres") + ";Timeout=60";
        _app = ApiHost.Build(
            ["--ConnectionStrings:CN2", _database, "--Bgp:Engine", "none", "--Http:Url", "http://127.0.0.1:0", "--Grpc:Url", "http://127.0.0.1:0", "--Auth:Mode", "none", "--Agents:Mode", "none", "--Logging:LogLevel:Default", "Warning"],
            services => services.Remove(services.Single(s => s.ServiceType == typeof(IHostedService) && s.ImplementationType == typeof(Reconciler))));
        await _app.Services.GetRequiredService<Migrator>().MigrateAsync(CancellationToken.None);
        await _app.StartAsync();
        _client = new HttpClient { BaseAddress = new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()) };
        await PostAsync("external-networks", new JsonObject { ["name"] = "large", ["subnets"] = Subnets("100.1.0.0/24"), ["fabricForwarding"] = true });
        await PostAsync("external-networks", new JsonObject { ["name"] = "small", ["subnets"] = Subnets("100.2.0.0/30"), ["fabricForwarding"] = true });
    }

    public override T Get<T>(string controlNode = "cn-a")
    {
        var options = new ControlNodeOptions { Name = controlNode };
        if (typeof(T) == typeof(ILeaderLeaseStore)) return (T)(object)ActivatorUtilities.CreateInstance<LeaderLeaseStore>(_app.Services, options);
        if (typeof(T) == typeof(ISessionTurnStore)) return (T)(object)ActivatorUtilities.CreateInstance<SessionTurnStore>(_app.Services, options);
        if (typeof(T) == typeof(IAnnouncementStore)) return (T)(object)Own<AnnouncementStore>(controlNode);
        return typeof(T) == typeof(IAgentReportStore) ? (T)(object)Own<AgentReportStore>(controlNode) : _app.Services.GetRequiredService<T>();
    }

    private T Own<T>(string process)
        where T : notnull
    {
        if (!_own.TryGetValue((process, typeof(T)), out var store)) _own[(process, typeof(T))] = store = ActivatorUtilities.CreateInstance<T>(_app.Services);
        return (T)store;
    }

    public override Task EmptyAsync() => ExecuteAsync(
        "DELETE FROM leader_lease; DELETE FROM control_node; DELETE FROM session_turn; DELETE FROM owed_session; DELETE FROM announcement_writer; DELETE FROM agents_applied; DELETE FROM advertisement; DELETE FROM virtual_router");

    public override Task PassAsync(TimeSpan time) => ExecuteAsync(
        string.Join(';', new[]
        {
            "leader_lease SET renewed_at = renewed_at - $1, expires_at = expires_at - $1",
            "session_turn SET taken_at = taken_at - $1, expires_at = expires_at - $1",
            "control_node SET last_seen_at = last_seen_at - $1",
            "virtual_router_status SET last_seen_at = last_seen_at - $1, lost_at = lost_at - $1, held_at = held_at - $1, vanished_at = vanished_at - $1",
            "virtual_router_intruder SET since = since - $1, last_at = last_at - $1",
        }.Select(u => $"UPDATE {u.Replace("$1", $"interval '{(long)time.TotalMilliseconds} milliseconds'", StringComparison.Ordinal)}")));

    /// <summary>The row of the epoch is another transaction's than it says, as in a restored copy.</summary>
    public override Task FailOverAsync() => ExecuteAsync("UPDATE feed_epoch SET server = server");

    public override async Task<Guid> CreateServiceAsync(string name, bool inSmallNetwork = false) => await PostAsync("services", new JsonObject
    {
        ["name"] = name,
        ["externalNetwork"] = $"default/{(inSmallNetwork ? "small" : "large")}",
        ["selector"] = new JsonObject { ["app"] = "web" },
        ["ports"] = new JsonArray(new JsonObject { ["port"] = 80 }),
    });

    public override async Task DeleteServiceAsync(Guid service) =>
        await DeleteAsync($"services/{(await ReadAsync()).Services.Items.Single(s => s.Uid == service).Id.Name}");

    public override Task<Guid> ReserveAsync(string name) => PostAsync("floating-ips", new JsonObject { ["name"] = name, ["externalNetwork"] = "default/large" });

    public override async Task DeleteFloatingIPAsync(Guid floatingIP) =>
        await DeleteAsync($"floating-ips/{(await ReadAsync()).FloatingIPs.Items.Single(f => f.Uid == floatingIP).Id.Name}");

    public override Task<Guid> CreateEndpointAsync(string name, IPAddress address, string virtualRouter) => PostAsync("virtual-machine-interfaces", new JsonObject
    {
        ["name"] = name,
        ["addresses"] = new JsonArray($"{address}"),
        ["virtualRouter"] = virtualRouter,
    });

    public override Task CreatePeerAsync(string name, IPAddress address) =>
        PostAsync("/v1/bgp-routers", new JsonObject { ["name"] = name, ["address"] = $"{address}", ["autonomousSystem"] = 64512 });

    public override async Task<IAsyncDisposable> OpenTransactionAsync()
    {
        var connection = new NpgsqlConnection(_database);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("BEGIN; SELECT pg_current_xact_id()", connection);
        await command.ExecuteNonQueryAsync();
        return connection;
    }

    public async ValueTask DisposeAsync()
    {
        _client?.Dispose();
        if (_app is not null) await _app.DisposeAsync();
        NpgsqlConnection.ClearAllPools();
        _server?.Dispose();
        _directory.Dispose();
    }

    private static JsonArray Subnets(string cidr) => [new JsonObject { ["cidr"] = cidr }];

    /// <summary>Repeats a request that took the server too long, with its key, as the answer says; these tests measure no time.</summary>
    private async Task<Guid> PostAsync(string path, JsonObject body)
    {
        var key = $"{Guid.NewGuid()}";
        for (var attempt = 1; ; attempt++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path.StartsWith('/') ? path : $"{Collection}/{path}") { Content = JsonContent.Create(body) };
            request.Headers.Add("Idempotency-Key", key);
            using var response = await _client.SendAsync(request);
            var text = await response.Content.ReadAsStringAsync();
            if (response.StatusCode == HttpStatusCode.ServiceUnavailable && attempt < 5) continue;
            Assert.True(response.StatusCode == HttpStatusCode.Created, text);
            return (Guid)JsonNode.Parse(text)!["uid"]!;
        }
    }

    private async Task DeleteAsync(string path)
    {
        using var response = await _client.DeleteAsync($"{Collection}/{path}");
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(_database);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}

/// <summary>One PostgreSQL for all contracts, which therefore run in turn.</summary>
[CollectionDefinition(Name)]
public sealed class PostgresStoresCollection : ICollectionFixture<PostgresStores>
{
    public const string Name = "PostgreSQL stores";
}
