using CN2.Api.Options;
using Npgsql;

namespace CN2.Api.Data;

/// <summary>
/// The pools of database connections, and the only place where they are made. Requests have one; it is what <see cref="NpgsqlDataSource"/>
/// means without a key. The control loop (feed, reports of agents, statuses, announcements, heartbeat, leadership) has another one, so that
/// no number of requests can take a connection from it.
/// </summary>
public static class DatabasePools
{
    /// <summary>The key of the control loop's pool.</summary>
    public const string ControlLoop = "control-loop";

    /// <summary>
    /// How many seconds a statement may take that reads or writes this many rows, for <c>CommandTimeout</c>. A few rows: 2, as for every
    /// statement of the control loop. Many take longer, and giving up each time would mean never getting through.
    /// </summary>
    public static int SecondsFor(int rows) => 2 + (rows / 250);

    public static IServiceCollection AddDatabasePools(this IServiceCollection services) => services
        .AddSingleton(provider => Open(provider.GetRequiredService<DatabaseOptions>().ConnectionString))
        .AddKeyedSingleton(ControlLoop, (provider, _) => Open(provider.GetRequiredService<DatabaseOptions>().ControlLoopConnectionString));

    /// <summary>
    /// Npgsql blocks a thread of the pool while it cancels a statement that was not answered in time. The runtime adds one or two threads a
    /// second; when a server hangs, every connection needs one at the same moment, and so do all others who wait for nothing but a thread.
    /// </summary>
    private static void AllowThreadsFor(int connections)
    {
        ThreadPool.GetMinThreads(out var workers, out var ports);
        ThreadPool.SetMinThreads(Math.Max(workers, Environment.ProcessorCount + connections), ports);
    }

    private static NpgsqlDataSource Open(string connectionString)
    {
        var source = new NpgsqlDataSourceBuilder(connectionString);
        AllowThreadsFor(source.ConnectionStringBuilder.MaxPoolSize + DatabaseOptions.ControlLoopConnections);
        source.EnableDynamicJson(); // jsonb columns hold labels as dictionaries
        source.ConfigureJsonOptions(StoredLabels.Options);
        source.UsePhysicalConnectionInitializer(
            connection =>
            {
                using var command = WithoutCompiler(connection);
                command.ExecuteNonQuery();
            },
            async connection =>
            {
                await using var command = WithoutCompiler(connection);
                await command.ExecuteNonQueryAsync();
            });
        return source.Build();
    }

    /// <summary>
    /// The planner takes some statements for so dear that PostgreSQL compiles them (JIT): 100 ms each time, for what takes less than that. A command for each new connection: a startup option
    /// would not pass every pooler.
    /// </summary>
    private static NpgsqlCommand WithoutCompiler(NpgsqlConnection connection) => new("SET jit = off", connection) { CommandTimeout = SecondsFor(rows: 0) };
}
