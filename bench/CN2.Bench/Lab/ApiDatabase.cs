using Npgsql;

namespace CN2.Bench.Lab;

/// <summary>The API's database on a private PostgreSQL as a fresh installation has it: default settings, fsync on. Its data lies below the run directory.</summary>
internal sealed class ApiDatabase : IDisposable
{
    public const string Name = "cn2";

    /// <param name="network">Where it runs.</param>
    /// <param name="name">Of its directory.</param>
    /// <param name="settings">What differs from the default settings, as <c>name=value</c>.</param>
    public ApiDatabase(PrivateNetwork network, string name, params string[] settings)
    {
        Server = new PostgresServer(Path.Combine(network.Directory, name), settings);
        Sql("postgres", $"CREATE DATABASE {Name}");
    }

    public PostgresServer Server { get; }

    public string ConnectionString => Server.ConnectionString(Name);

    /// <summary>Copies the API's database, to which nobody may be connected; returns the connection string of the copy.</summary>
    public string Copy(string database)
    {
        Sql("postgres", $"CREATE DATABASE {database} TEMPLATE {Name}");
        return Server.ConnectionString(database);
    }

    public void Sql(string database, string sql)
    {
        using var connection = Open(database);
        using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 600 };
        command.ExecuteNonQuery();
    }

    public object? Scalar(string sql, string database = Name)
    {
        using var connection = Open(database);
        using var command = new NpgsqlCommand(sql, connection);
        return command.ExecuteScalar();
    }

    public void Dispose() => Server.Dispose();

    private NpgsqlConnection Open(string database)
    {
        var connection = new NpgsqlConnection(Server.ConnectionString(database) + ";Pooling=false");
        connection.Open();
        return connection;
    }
}
