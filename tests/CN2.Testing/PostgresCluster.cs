namespace CN2.Testing;

/// <summary>
/// PostgreSQL as it is run in production, with real servers: a primary, standbys that stream from it, other clusters to restore into, and
/// a <see cref="TcpSwitch"/> in front, by which a running client is moved from one to the other. All in a directory that goes with it.
/// </summary>
public sealed class PostgresCluster : IDisposable
{
    private readonly TemporaryDirectory _directory = new("cn2-cluster-");
    private readonly List<PostgresNode> _nodes = [];
    private readonly string[] _settings;

    /// <summary>One server, and the switch leads to it.</summary>
    /// <param name="settings">Settings of every server, as <c>name=value</c>.</param>
    public PostgresCluster(params string[] settings)
    {
        _settings = settings;
        Primary = AddCluster("first");
        Switch = new TcpSwitch(Primary.Port);
    }

    /// <summary>Where <see cref="ConnectionString"/> leads.</summary>
    public TcpSwitch Switch { get; }

    /// <summary>The first server; after <see cref="MoveTo"/> the one moved to.</summary>
    public PostgresNode Primary { get; private set; }

    /// <summary>By the switch. The password is not asked for; times are short, as tests need them.</summary>
    public string ConnectionString(string database) => $"Host=127.0.0.1;Port={Switch.Port};Username=postgres;Database={database};Maximum Pool Size=20;SSL Mode=Disable;GSS Encryption Mode=Disable";

    /// <summary>A standby of the primary, asynchronous; see <see cref="PostgresNode.CommitWith"/>.</summary>
    public PostgresNode AddStandby(string name) => Add(PostgresNode.Follow(Primary, Path.Combine(_directory.Path, name), name, _settings));

    /// <summary>A server that knows nothing of the others, to restore into.</summary>
    public PostgresNode AddCluster(string name) => Add(PostgresNode.Create(Path.Combine(_directory.Path, name), name, _settings));

    /// <summary>Clients reach this server from now on; connections to the other end.</summary>
    public void MoveTo(PostgresNode node)
    {
        Primary = node;
        Switch.Lead(node.Port);
    }

    public void Dispose()
    {
        Switch.Dispose();
        foreach (var node in _nodes) node.Dispose();
        _directory.Dispose();
    }

    private PostgresNode Add(PostgresNode node)
    {
        _nodes.Add(node);
        return node;
    }
}
