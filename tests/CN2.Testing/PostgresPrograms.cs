namespace CN2.Testing;

/// <summary>The server programs of PostgreSQL on this machine. They refuse to run as root, so root runs them as the user postgres.</summary>
internal static class PostgresPrograms
{
    private static readonly bool IsRoot = Environment.UserName == "root";

    private static readonly string Binaries = Find();

    /// <summary>The command before a server program. setpriv keeps the process id, runuser does not.</summary>
    public static string[] AsUser { get; } = IsRoot ? ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups"] : ["env"];

    public static string Path(string name) => System.IO.Path.Combine(Binaries, name);

    /// <summary>Runs one as its user to the end; a failure throws.</summary>
    public static string Run(string name, params string[] arguments) => Command.Run(AsUser[0], [.. AsUser[1..], Path(name), .. arguments]);

    /// <summary>Makes a directory that its user may write.</summary>
    public static void MakeDirectory(string path)
    {
        Directory.CreateDirectory(path);
        if (IsRoot) Command.Run("chown", "postgres", path);
    }

    public static void MakeCluster(string data) => Run("initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-D", data);

    private static string Find()
    {
        var found = Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").Select(d => System.IO.Path.Combine(d, "bin")).Where(d => File.Exists(System.IO.Path.Combine(d, "initdb"))).Order().LastOrDefault()
            : null;
        return found ?? throw new InvalidOperationException("PostgreSQL's server programs (initdb, postgres) are missing in /usr/lib/postgresql/*/bin.");
    }
}
