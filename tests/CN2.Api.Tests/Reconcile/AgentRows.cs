using System.Net;
using CN2.Api.Data;
using CN2.Api.Drivers;
using CN2.Api.Reconcile;
using CN2.Api.Tests.Fixtures;
using Npgsql;

namespace CN2.Api.Tests.Reconcile;

/// <summary>A database with the rows of agents at the control node <c>cn-a</c>, which leads for an hour.</summary>
internal sealed class AgentRows : IAsyncDisposable
{
    public static readonly LeaderLease Lease = new(Sample.Uid(1), 1);

    private AgentRows(string connectionString)
    {
        ConnectionString = connectionString;
        Parts = new LoopParts(connectionString);
    }

    public string ConnectionString { get; }

    public LoopParts Parts { get; }

    public AgentReportStore Store => Parts.Get<AgentReportStore>();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <param name="postgres">Gives the database.</param>
    /// <param name="agents">Names of agents that are connected and have answered.</param>
    public static async Task<AgentRows> CreateAsync(PrivatePostgres postgres, params string[] agents)
    {
        var rows = new AgentRows(await postgres.CreateDatabaseAsync());
        await rows.ExecuteAsync("INSERT INTO control_node (name, last_seen_at, sessions, restart_time_seconds) VALUES ('cn-a', now(), '[]', 120)");
        await rows.ExecuteAsync($"INSERT INTO leader_lease (control_node, run, fence, renewed_at, expires_at) VALUES ('cn-a', '{Lease.Run}', {Lease.Fence}, now(), now() + interval '1 hour')");
        foreach (var name in agents) Assert.Null(await rows.ConnectAsync(Hello(name)));
        await rows.ExecuteAsync("UPDATE virtual_router_status SET lost = false");
        return rows;
    }

    public static VRouterHello Hello(string name) => new(name, IPAddress.Parse($"172.27.115.{(int)name[^1]}"), null, "1.0");

    public Task<AgentRefusal?> ConnectAsync(VRouterHello hello, string controlNode = "cn-a") => Store.ConnectAsync(hello, controlNode, 100, DateTimeOffset.UtcNow, Cancellation);

    /// <summary>vRouters are lost after 10 s.</summary>
    public Task<int> MarkLostAsync(LeaderLease? lease = null, int limit = 0, params string[] carriers)
    {
        var lostAfter = TimeSpan.FromSeconds(10);
        return Store.MarkLostAsync(lease ?? Lease, ControlNodeLiveness.GoneAfter, new LossRule(lostAfter, TimeSpan.Zero, lostAfter, limit), carriers, Cancellation);
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync(Cancellation);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    public async Task<T?> QueryAsync<T>(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync(Cancellation);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(Cancellation) is T value ? value : default;
    }

    public ValueTask DisposeAsync() => Parts.DisposeAsync();
}
