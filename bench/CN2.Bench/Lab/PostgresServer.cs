using Npgsql;

namespace CN2.Bench.Lab;

/// <summary>
/// A private PostgreSQL as a fresh installation has it: default settings, fsync on; only the socket is
/// elsewhere. Data lives below the run directory.
/// </summary>
internal sealed class PostgresServer : IDisposable
{
    public const string Database = "cn2";

    private readonly string _directory;
    private readonly RunningProcess _server;

    public PostgresServer(PrivateNetwork network, string name)
    {
        _directory = Path.Combine(network.Directory, name);
        Directory.CreateDirectory(_directory);
        Binaries = Directory.GetDirectories("/usr/lib/postgresql").Select(d => Path.Combine(d, "bin")).Where(d => File.Exists(Path.Combine(d, "initdb"))).Order().Last();
        RunningProcess.Run("chown", "postgres", _directory);
        RunningProcess.Run("runuser", "-u", "postgres", "--", Path.Combine(Binaries, "initdb"), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-D", Data);
        // setpriv, not runuser: the pid stays that of the server.
        _server = new RunningProcess(Path.Combine(network.Directory, name + ".log"), "setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups",
            Path.Combine(Binaries, "postgres"), "-D", Data, "-c", "listen_addresses=", "-c", $"unix_socket_directories={_directory}");
        Deadline.UntilAsync("PostgreSQL", () => RunningProcess.TryRun(Path.Combine(Binaries, "pg_isready"), "-q", "-h", _directory).Code == 0).Wait();
        Sql("postgres", $"CREATE DATABASE {Database}");
    }

    public string Binaries { get; }

    public string Socket => _directory;

    public string ConnectionString => $"Host={_directory};Username=postgres;Database={Database}";

    private string Data => Path.Combine(_directory, "data");

    /// <summary>Processor time of the server and all its backends, those that have ended included.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            long ticks = 0;
            foreach (var directory in Directory.GetDirectories("/proc"))
            {
                if (!int.TryParse(Path.GetFileName(directory), out var pid)) continue;
                string[] stat;
                try
                {
                    var text = File.ReadAllText(Path.Combine(directory, "stat"));
                    stat = text[(text.LastIndexOf(')') + 2)..].Split(' ');
                }
                catch (IOException)
                {
                    continue;
                }

                if (pid == _server.Id) ticks += Sum(stat, 11, 14);
                else if (stat[1] == $"{_server.Id}") ticks += Sum(stat, 11, 12);
            }

            return TimeSpan.FromMilliseconds(ticks * 10);

            // 11 and 12: own user and system time in hundredths; 13 and 14: those of ended children.
            static long Sum(string[] stat, int from, int to) => Enumerable.Range(from, to - from + 1).Sum(i => long.Parse(stat[i], System.Globalization.CultureInfo.InvariantCulture));
        }
    }

    public void Sql(string database, string sql)
    {
        using var connection = Open(database);
        using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 600 };
        command.ExecuteNonQuery();
    }

    public object? Scalar(string sql, string database = Database)
    {
        using var connection = Open(database);
        using var command = new NpgsqlCommand(sql, connection);
        return command.ExecuteScalar();
    }

    public void Dispose()
    {
        _server.Stop("INT");
        _server.Dispose();
    }

    private NpgsqlConnection Open(string database)
    {
        var connection = new NpgsqlConnection($"Host={_directory};Username=postgres;Database={database};Pooling=false");
        connection.Open();
        return connection;
    }
}
