using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace CN2.Api.Tests.Fixtures;

/// <summary>A real PgBouncer before a database of the test run, on a loopback port.</summary>
internal sealed class PgBouncer : IDisposable
{
    private readonly TemporaryDirectory _directory = new("cn2-pgbouncer-");
    private readonly RunningProcess _process;

    /// <param name="connectionString">Of the database.</param>
    /// <param name="mode">As <c>pool_mode</c>: session, transaction or statement.</param>
    public PgBouncer(string connectionString, string mode)
    {
        var database = new NpgsqlConnectionStringBuilder(connectionString);
        using (var listener = new TcpListener(IPAddress.Loopback, 0))
        {
            listener.Start();
            Port = ((IPEndPoint)listener.LocalEndpoint).Port;
        }

        var settings = Path.Combine(_directory.Path, "pgbouncer.ini");
        File.WriteAllText(settings, $"""
            [databases]
            {database.Database} = host={database.Host} port={database.Port} dbname={database.Database} user={database.Username}
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {Port}
            unix_socket_dir =
            auth_type = any
            pool_mode = {mode}
            default_pool_size = 30
            """);
        Command.Run("chmod", "-R", "a+rX", _directory.Path);
        ConnectionString = $"Host=127.0.0.1;Port={Port};Username={database.Username};Database={database.Database};Maximum Pool Size=10;SSL Mode=Disable;GSS Encryption Mode=Disable";
        // It refuses to run as root.
        _process = Environment.UserName == "root"
            ? new RunningProcess("setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups", "pgbouncer", settings)
            : new RunningProcess("pgbouncer", settings);
        Eventually.True(IsListening, "PgBouncer listens", 30, () => _process.Output);
    }

    public string ConnectionString { get; }

    private int Port { get; }

    public void Dispose()
    {
        _process.Stop("INT");
        _process.Dispose();
        _directory.Dispose();
    }

    private bool IsListening()
    {
        try
        {
            using var client = new TcpClient();
            client.Connect(IPAddress.Loopback, Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
