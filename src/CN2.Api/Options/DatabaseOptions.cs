using Npgsql;

namespace CN2.Api.Options;

/// <summary>Section <c>Database</c>, and <c>ConnectionStrings:CN2</c>.</summary>
public sealed record DatabaseOptions
{
    /// <summary>Required. The settings of the pool and of prepared statements that the product relies on are added when they are absent.</summary>
    [ConfigurationKeyName("ConnectionStrings:CN2"), PostgresConnection]
    public string ConnectionString { get; init => field = WithDefaults(value); } = "";

    /// <summary>True: apply migrations at start. False: the server is not ready until an operator has run <c>CN2.Api migrate</c>.</summary>
    [ConfigurationKeyName("Database:Migrate"), TrueOrFalse]
    public bool Migrate { get; init; } = true;

    private static string WithDefaults(string text)
    {
        var connection = new NpgsqlConnectionStringBuilder(text);
        // Prepared statements halve PostgreSQL's work per statement. A pooled connection needs no reset between two uses, because none
        // carries session state: SET, LISTEN, temporary tables and session locks are only used on a DedicatedConnection.
        AddIfAbsent("Max Auto Prepare", 200);
        AddIfAbsent("Auto Prepare Min Usages", 2);
        AddIfAbsent("No Reset On Close", true);
        AddIfAbsent("Maximum Pool Size", 32);
        AddIfAbsent("Timeout", 5);
        AddIfAbsent("Command Timeout", 30);
        AddIfAbsent("Keepalive", 30);
        AddIfAbsent("Application Name", "cn2-api");
        return connection.ConnectionString;

        void AddIfAbsent(string name, object value)
        {
            if (!connection.ShouldSerialize(name)) connection[name] = value;
        }
    }
}
