using Npgsql;

namespace CN2.Api.Options;

/// <summary>Section <c>Database</c>, and <c>ConnectionStrings:CN2</c>.</summary>
public sealed record DatabaseOptions
{
    /// <summary>
    /// Of the requests' pool. Required. The settings of the pool, of prepared statements and of several hosts that the product relies on are
    /// added when they are absent.
    /// </summary>
    [ConfigurationKeyName("ConnectionStrings:CN2"), PostgresConnection]
    public string ConnectionString { get; init => field = WithDefaults(value); } = "";

    /// <summary>True: apply migrations at start. False: the server is not ready until an operator has run <c>CN2.Api migrate</c>.</summary>
    [ConfigurationKeyName("Database:Migrate"), TrueOrFalse]
    public bool Migrate { get; init; } = true;

    /// <summary>
    /// Of the control loop's pool: the same server, with a bound of its own. A statement that is not answered within 2 s fails and is tried
    /// again, because agents and routers wait for nothing longer than that. Its statements are planned each time: they are few, each for many rows, and
    /// a prepared one would keep the plan that was best when its table was nearly empty (GrowingTableTests).
    /// </summary>
    public string ControlLoopConnectionString
    {
        get
        {
            var connection = new NpgsqlConnectionStringBuilder(ConnectionString) { MaxPoolSize = ControlLoopConnections, Timeout = 1, CommandTimeout = 2, ApplicationName = "cn2-control-loop", MaxAutoPrepare = 0 };
            connection.MinPoolSize = Math.Min(connection.MinPoolSize, ControlLoopConnections);
            return connection.ConnectionString;
        }
    }

    /// <summary>More than the tasks of the control loop that can be in the database at one time.</summary>
    public const int ControlLoopConnections = 12;

    private static string WithDefaults(string text)
    {
        var connection = new NpgsqlConnectionStringBuilder(text);
        var severalHosts = connection.Host?.Contains(',', StringComparison.Ordinal) == true;
        // Prepared statements halve PostgreSQL's work per statement. A pooled connection needs no reset between two uses, because none
        // carries session state: SET (but for that of DatabasePools, which is the same for all), LISTEN, temporary tables and session locks are only used on a DedicatedConnection.
        // RequestDeadline finds out whether the server hangs. Of one that answers others, Npgsql waits for Command Timeout, then for Timeout
        // while it tries to cancel the statement by another connection, then for Cancellation Timeout: together less than the deadline.
        AddIfAbsent("Max Auto Prepare", 200);
        AddIfAbsent("Auto Prepare Min Usages", 2);
        AddIfAbsent("No Reset On Close", true);
        AddIfAbsent("Maximum Pool Size", 32);
        AddIfAbsent("Timeout", 2); // for each host
        AddIfAbsent("Command Timeout", 5);
        AddIfAbsent("Cancellation Timeout", 500);
        if (severalHosts)
        {
            AddIfAbsent("Target Session Attributes", "primary");
            AddIfAbsent("Host Recheck Seconds", 1); // Npgsql's 10 s would be the time that a fail-over takes
        }

        // Npgsql would try it before TLS with every new connection: that asks the name service, and hangs when it does not answer.
        AddIfAbsent("GSS Encryption Mode", "Disable");
        AddIfAbsent("Keepalive", 30);
        AddIfAbsent("Application Name", "cn2-api");
        return connection.ConnectionString;

        void AddIfAbsent(string name, object value)
        {
            if (!connection.ShouldSerialize(name)) connection[name] = value;
        }
    }
}
