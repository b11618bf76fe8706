using Npgsql;

namespace CN2.Bench.Lab;

/// <summary>The API's database on a private PostgreSQL as a fresh installation has it: default settings, fsync on. Its data lies below the run directory.</summary>
internal sealed class ApiDatabase : IDisposable
{
    public const string Name = "cn2";

    public ApiDatabase(PrivateNetwork network, string name)
    {
        Server = new PostgresServer(Path.Combine(network.Directory, name));
        Sql("postgres", $"CREATE DATABASE {Name}");
    }

    public PostgresServer Server { get; }

    public string ConnectionString => Server.ConnectionString(Name);

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
