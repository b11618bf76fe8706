using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace CN2.Testing;

/// <summary>
/// A private PostgreSQL of a <see cref="PostgresCluster"/>: a primary or a standby with a loopback port of its own, that a test stops,
/// kills, freezes, promotes and dumps. A killed test run's server is stopped as well.
/// </summary>
public sealed class PostgresNode : IDisposable
{
    private readonly string _directory;
    private readonly RunningProcess _server;

    private PostgresNode(string directory, string name, string[] settings)
    {
        _directory = directory;
        Name = name;
        Port = FreePort();
        string[] options =
        [
            "listen_addresses=127.0.0.1", string.Create(CultureInfo.InvariantCulture, $"port={Port}"), $"unix_socket_directories={directory}",
            "fsync=off", "full_page_writes=off", "shared_buffers=16MB", "max_connections=100", "hot_standby=on", $"cluster_name={name}", .. settings,
        ];
        _server = new RunningProcess(
            PostgresPrograms.AsUser[0],
            [.. PostgresPrograms.AsUser[1..], PostgresPrograms.Path("postgres"), "-D", Data, .. options.SelectMany(o => (string[])["-c", o])],
            Path.Combine(directory, "log"));
        AfterProcess.Run($"kill -CONT $(head -n 1 {Data}/postmaster.pid); kill -QUIT $(head -n 1 {Data}/postmaster.pid)");
        WaitUntilReady();
    }

    /// <summary>In <c>cluster_name</c>, and in <c>application_name</c> of a standby's connection (for <c>synchronous_standby_names</c>).</summary>
    public string Name { get; }

    public int Port { get; }

    public bool IsRunning => !_server.HasExited;

    public string Log => _server.Output;

    private string Data => Path.Combine(_directory, "data");

    /// <summary>A new, empty cluster: a system identifier of its own.</summary>
    /// <param name="directory">Absolute path; made if it does not exist.</param>
    /// <param name="name">Of the node.</param>
    /// <param name="settings">Settings of the server, as <c>name=value</c>.</param>
    public static PostgresNode Create(string directory, string name, params string[] settings)
    {
        PostgresPrograms.MakeDirectory(directory);
        PostgresPrograms.MakeCluster(Path.Combine(directory, "data"));
        return new PostgresNode(directory, name, settings);
    }

    /// <summary>A standby that streams from a primary: pg_basebackup, then started.</summary>
    public static PostgresNode Follow(PostgresNode primary, string directory, string name, params string[] settings)
    {
        PostgresPrograms.MakeDirectory(directory);
        PostgresPrograms.Run(
            "pg_basebackup", "-D", Path.Combine(directory, "data"), "-R", "-X", "stream", "--checkpoint=fast", "--no-sync",
            "-d", $"host=127.0.0.1 port={primary.Port} user=postgres application_name={name}");
        return new PostgresNode(directory, name, settings);
    }

    /// <summary>By its own port.</summary>
    public string ConnectionString(string database) => $"Host=127.0.0.1;Port={Port};Username=postgres;Database={database}";

    /// <summary>What a query prints, columns separated by <c>|</c>; by psql, so on a connection of its own.</summary>
    public string Query(string sql, string database = "postgres") =>
        Command.RunWith(sql, PostgresPrograms.Path("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", $"{Port}", "-U", "postgres", "-d", database).TrimEnd('\n');

    /// <summary>A plain SQL dump of a database.</summary>
    public string Dump(string database) => Command.Run(PostgresPrograms.Path("pg_dump"), "-h", "127.0.0.1", "-p", $"{Port}", "-U", "postgres", database);

    /// <summary>Makes a database from such a dump.</summary>
    public void Restore(string database, string dump)
    {
        Query($"CREATE DATABASE {database}");
        Query(dump, database);
    }

    /// <summary>Waits until a standby has everything that this primary has written so far.</summary>
    public void WaitUntilFollowedBy(PostgresNode standby)
    {
        var written = Query("SELECT pg_current_wal_lsn()");
        Eventually.True(() => standby.Query($"SELECT pg_last_wal_replay_lsn() >= '{written}'") == "t", $"{standby.Name} has what {Name} wrote", 30, () => standby.Log);
    }

    /// <summary>Commits of this primary wait for the standby of this name; none: for nobody.</summary>
    public void CommitWith(string? standby)
    {
        Query($"ALTER SYSTEM SET synchronous_standby_names = '{standby}'");
        Query("SELECT pg_reload_conf()");
        if (standby is not null)
            Eventually.True(() => Query($"SELECT count(*) FROM pg_stat_replication WHERE application_name = '{standby}' AND sync_state = 'sync'") == "1", $"{standby} is synchronous", 30, () => Log);
    }

    /// <summary>A standby receives nothing more of what the primary commits: that is lost when it is promoted.</summary>
    public void StopFollowing()
    {
        Query("ALTER SYSTEM SET primary_conninfo = ''");
        Query("SELECT pg_reload_conf()");
        Eventually.True(() => Query("SELECT count(*) FROM pg_stat_wal_receiver") == "0", $"{Name} receives nothing more", 30, () => Log);
    }

    /// <summary>Makes a standby a primary on a new timeline; returns when it takes writes.</summary>
    public void Promote()
    {
        Query("SELECT pg_promote(true, 60)");
        Eventually.True(() => Query("SELECT pg_is_in_recovery()") == "f", $"{Name} is promoted", 30, () => Log);
    }

    /// <summary>SIGKILL to the server; its backends end by themselves, at once.</summary>
    public void Kill()
    {
        var children = Children();
        _server.Kill();
        foreach (var child in children) Command.Try("kill", "-QUIT", $"{child}");
        Eventually.True(() => children.TrueForAll(c => !Directory.Exists($"/proc/{c}")), $"the backends of {Name} have ended");
    }

    /// <summary>A fast shutdown: connections end, and a checkpoint is written.</summary>
    public void Stop() => _server.Stop("INT");

    /// <summary>Starts it again on the same port; returns when it accepts connections.</summary>
    public void Start()
    {
        _server.Start();
        WaitUntilReady();
    }

    /// <summary>SIGSTOP to all of its processes: connections stay open and nothing answers. It takes connections into the kernel's backlog.</summary>
    public void Freeze() => Signal("STOP");

    public void Thaw() => Signal("CONT");

    public void Dispose()
    {
        Thaw();
        _server.Stop("QUIT");
        _server.Dispose();
    }

    private void Signal(string signal)
    {
        // The postmaster first: it starts no backend while its backends are signalled.
        _server.Signal(signal);
        foreach (var child in Children()) Command.Try("kill", $"-{signal}", $"{child}");
    }

    private List<int> Children()
    {
        List<int> children = [];
        foreach (var directory in Directory.GetDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), out var pid)) continue;
            try
            {
                var stat = File.ReadAllText(Path.Combine(directory, "stat"));
                if (stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1] == $"{_server.Id}") children.Add(pid);
            }
            catch (IOException)
            {
                // It ended meanwhile.
            }
        }

        return children;
    }

    private void WaitUntilReady() => Eventually.True(
        () => Command.Try(PostgresPrograms.Path("pg_isready"), "-q", "-h", "127.0.0.1", "-p", $"{Port}").Code == 0, $"{Name} accepts connections", 60, () => Log);

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
