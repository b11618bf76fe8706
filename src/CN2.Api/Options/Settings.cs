using System.Net;
using Npgsql;

namespace CN2.Api.Options;

/// <summary>Every setting of the process (contract §1), read and checked once at start.</summary>
public sealed record Settings(
    DatabaseOptions Database,
    ListenSettings Listen,
    BgpOptions Bgp,
    VRouterOptions VRouters,
    ControlNodeOptions ControlNode,
    ServiceNetworkOptions ServiceNetwork,
    NodePortOptions NodePorts,
    RetentionOptions Retention)
{
    /// <summary>Reads them all; the faults name every wrong one.</summary>
    public static Settings Read(IConfiguration configuration, out IReadOnlyList<string> faults)
    {
        var reader = new SettingsReader(configuration);
        var settings = new Settings(
            ReadDatabase(reader),
            ReadListen(reader),
            ReadBgp(reader, configuration),
            new VRouterOptions(TimeSpan.FromSeconds(reader.Number("VRouters:LostAfterSeconds", 10, 1, 3600))),
            new ControlNodeOptions(ReadControlNodeName(reader), ReadClusterName(reader)),
            new ServiceNetworkOptions(
                reader.Network("ServiceNetwork:V4", "10.233.0.0/18", v6: false),
                reader.Network("ServiceNetwork:V6", "fd85:ee78:d8a6:8607::1000/116", v6: true)),
            ReadNodePorts(reader),
            new RetentionOptions(
                TimeSpan.FromHours(reader.Number("Retention:EventsHours", 24, 1, 8760)),
                TimeSpan.FromHours(reader.Number("Retention:ChangesHours", 1, 1, 168)),
                TimeSpan.FromHours(24)));
        faults = reader.Faults;
        return settings;
    }

    private static ListenSettings ReadListen(SettingsReader reader)
    {
        var listen = new ListenSettings(reader.ListenUrl("Http:Url", "http://127.0.0.1:8080"), reader.ListenUrl("Grpc:Url", "http://127.0.0.1:8081"));
        // REST speaks HTTP/1.1 and agents HTTP/2 without TLS: one port cannot do both. (Port 0 is any free one.)
        if (listen.HttpUrl.Port == listen.GrpcUrl.Port && listen.HttpUrl.Port != 0 && listen.HttpUrl.Host == listen.GrpcUrl.Host)
            reader.Fault("Grpc:Url", $"another port than Http__Url has ({listen.HttpUrl.Port})");
        return listen;
    }

    private static DatabaseOptions ReadDatabase(SettingsReader reader)
    {
        const string key = "ConnectionStrings:CN2";
        var migrate = reader.Flag("Database:Migrate", true);
        if (reader.Text(key) is not { } text)
        {
            reader.Fault(key, "a PostgreSQL connection string, such as Host=127.0.0.1;Database=cn2;Username=cn2;Password=…");
            return new DatabaseOptions("", migrate);
        }

        try
        {
            var given = new NpgsqlConnectionStringBuilder(text);
            if (string.IsNullOrEmpty(given.Host))
            {
                reader.Fault(key, "a PostgreSQL connection string with Host=…");
                return new DatabaseOptions("", migrate);
            }

            if (given.Port > 65535 || given.MaxPoolSize < 1)
            {
                reader.Fault(key, "a PostgreSQL connection string with Port from 1 to 65535 and Maximum Pool Size of at least 1");
                return new DatabaseOptions("", migrate);
            }

            // Prepared statements halve PostgreSQL's work per statement. Pooled connections carry no session state (no SET, LISTEN,
            // temporary tables or session locks; those use DedicatedConnection), so they need no reset between uses.
            void Default(string name, object value) { if (!given.ShouldSerialize(name)) given[name] = value; }
            Default("Max Auto Prepare", 200);
            Default("Auto Prepare Min Usages", 2);
            Default("No Reset On Close", true);
            Default("Maximum Pool Size", 32);
            Default("Timeout", 5);
            Default("Command Timeout", 30);
            Default("Keepalive", 30);
            Default("Application Name", "cn2-api");
            return new DatabaseOptions(given.ConnectionString, migrate);
        }
        catch (ArgumentException)
        {
            reader.Fault(key, "a PostgreSQL connection string that Npgsql can read (keys and values as Key=Value;…)");
            return new DatabaseOptions("", migrate);
        }
    }

    private static BgpOptions ReadBgp(SettingsReader reader, IConfiguration configuration)
    {
        var engine = reader.OneOf("Bgp:Engine", "gobgp", "gobgp", "none");
        var routerId = reader.Address("Bgp:RouterId", v4Only: true);
        if (engine != "none" && reader.Text("Bgp:RouterId") is null)
            reader.Fault("Bgp:RouterId", "an IPv4 address that identifies this control node (or Bgp__Engine=none)");
        if (routerId is not null && routerId.Equals(IPAddress.Any)) reader.Fault("Bgp:RouterId", "an IPv4 address other than 0.0.0.0");
        // One address without __0 would be read as none: listening everywhere instead of there.
        if (reader.Text("Bgp:ListenAddresses") is not null) reader.Fault("Bgp:ListenAddresses", "addresses as Bgp__ListenAddresses__0, Bgp__ListenAddresses__1, …");
        var addresses = new List<IPAddress>();
        foreach (var child in configuration.GetSection("Bgp:ListenAddresses").GetChildren())
        {
            if (reader.Address(child.Path) is { } address) addresses.Add(address);
        }

        return new BgpOptions(
            engine,
            reader.EngineAddress("Bgp:GoBgp:Address", "http://127.0.0.1:50051"),
            ReadAutonomousSystem(reader),
            routerId,
            ReadListenPort(reader),
            addresses)
        {
            ImportedRoutesPerPeer = (int)reader.Number("Bgp:ImportedRoutesPerPeer", 10_000, 1, 1_000_000),
        };
    }

    private static uint ReadAutonomousSystem(SettingsReader reader)
    {
        var number = (uint)reader.Number("Bgp:AutonomousSystem", 64512, 1, uint.MaxValue - 1);
        if (number == 23456) reader.Fault("Bgp:AutonomousSystem", "another number than 23456, which stands for all four-byte ones (RFC 6793)");
        return number;
    }

    private static int ReadListenPort(SettingsReader reader)
    {
        var port = (int)reader.Number("Bgp:ListenPort", 179, -1, 65535);
        if (port == 0) reader.Fault("Bgp:ListenPort", "a port from 1 to 65535, or -1 to only connect");
        return port;
    }

    private static string ReadControlNodeName(SettingsReader reader)
    {
        var name = reader.Text("ControlNode:Name") ?? Environment.MachineName;
        if (name.Length > 253 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_') || !char.IsAsciiLetterOrDigit(name[0]))
            reader.Fault("ControlNode:Name", "at most 253 letters, digits, '-', '.' and '_', beginning with a letter or digit");
        return name;
    }

    private static string ReadClusterName(SettingsReader reader)
    {
        var name = reader.Text("Cluster:Name") ?? "contrail-k8s-kubemanager-cluster1-juniper-local";
        if (name.Length > 150 || !name.All(c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '-') || name[0] == '-')
            reader.Fault("Cluster:Name", "at most 150 of a-z, 0-9 and '-', beginning with a letter or digit");
        return name;
    }

    private static NodePortOptions ReadNodePorts(SettingsReader reader)
    {
        var ports = new NodePortOptions((int)reader.Number("NodePorts:From", 30000, 1, 65535), (int)reader.Number("NodePorts:To", 32767, 1, 65535));
        if (ports.From > ports.To) reader.Fault("NodePorts:To", $"at least NodePorts__From ({ports.From})");
        return ports;
    }
}
