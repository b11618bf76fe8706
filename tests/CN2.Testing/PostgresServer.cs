using System.Globalization;

namespace CN2.Testing;

/// <summary>
/// A private PostgreSQL with default settings: one directory holds its data, its log and its unix socket, and it listens nowhere else.
/// Disposing it stops the server and leaves the directory; a killed test run's server is stopped as well.
/// </summary>
public sealed class PostgresServer : IDisposable
{
    /// <summary>Settings for data that need not survive a crash of the machine.</summary>
    public static readonly string[] WithoutDurability = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"];

    private readonly RunningProcess _server;

    /// <param name="directory">Absolute path; made if it does not exist.</param>
    /// <param name="settings">Settings of the server, as <c>name=value</c>.</param>
    public PostgresServer(string directory, params string[] settings)
    {
        Directory = directory;
        PostgresPrograms.MakeDirectory(directory);
        PostgresPrograms.MakeCluster(Data);
        string[] options = ["listen_addresses=", $"unix_socket_directories={directory}", .. settings];
        _server = new RunningProcess(
            PostgresPrograms.AsUser[0],
            [.. PostgresPrograms.AsUser[1..], Program("postgres"), "-D", Data, .. options.SelectMany(o => (string[])["-c", o])],
            Path.Combine(directory, "log"));
        AfterProcess.Run($"kill -QUIT $(head -n 1 {Data}/postmaster.pid)");
        Eventually.True(() => Command.Try(Program("pg_isready"), "-q", "-h", directory).Code == 0, "PostgreSQL accepts connections", 60, () => _server.Output);
    }

    /// <summary>Also the <c>Host</c> of a connection.</summary>
    public string Directory { get; }

    private string Data => Path.Combine(Directory, "data");

    public string ConnectionString(string database) => $"Host={Directory};Username=postgres;Database={database}";

    /// <summary>The path of a program of this version of PostgreSQL.</summary>
    public string Program(string name) => PostgresPrograms.Path(name);

    /// <summary>Processor time of the server and all its backends, those that have ended included.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            long ticks = 0;
            foreach (var directory in System.IO.Directory.GetDirectories("/proc"))
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

            // 11 and 12: own user and system time in hundredths of a second; 13 and 14: those of children that have ended.
            static long Sum(string[] stat, int from, int to) => Enumerable.Range(from, to - from + 1).Sum(i => long.Parse(stat[i], CultureInfo.InvariantCulture));
        }
    }

    /// <summary>SIGQUIT: PostgreSQL ends its backends at once and skips the checkpoint.</summary>
    public void Dispose()
    {
        _server.Stop("QUIT");
        _server.Dispose();
    }
}
