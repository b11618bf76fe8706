using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace CN2.Model.Tests.Lab;

/// <summary>
/// The real thing in miniature: PostgreSQL, gobgpd and the API in a control namespace, two agents in namespaces of their own, and an
/// external router (a second gobgpd) that hears what is announced; all on one bridge that nobody outside sees. What can crash in
/// production can be killed here.
/// </summary>
internal sealed class ModelLab : IAsyncDisposable
{
    public const string ControlAddress = "172.31.7.1";
    public const string RouterAddress = "172.31.7.9";
    public static readonly string[] VirtualRouters = ["vr1", "vr2"];
    public static readonly (int First, int Last) NodePorts = (30000, 30049);
    public const string ServiceNetworkV4 = "10.233.0.0/26";
    public const string ServiceNetworkV6 = "fd85:1::/123";
    private const int CheckedPort = 9000;

    private readonly List<NetworkNamespace> _namespaces = [];
    private readonly TemporaryDirectory _directory = new("cn2-model-", Environment.GetEnvironmentVariable("CN2_MODEL_KEEP") is not null);
    private readonly PostgresServer _postgres;
    private readonly Dictionary<string, Socket?> _listeners = [];

    /// <param name="lostAfterSeconds">
    /// <c>VRouters__LostAfterSeconds</c>. After a restart of the API, who is the last to come back is lost after half of it, and an agent dials every two
    /// seconds: a smaller value makes a node lost that forwards.
    /// </param>
    /// <param name="distribution"><c>ServiceNetwork__Distribution</c>.</param>
    public ModelLab(double lostAfterSeconds = 8, string distribution = "all")
    {
        _postgres = new PostgresServer(Path.Combine(Directory, "pg"), [.. PostgresServer.WithoutDurability, "max_connections=200", "shared_buffers=64MB", "deadlock_timeout=200ms"]);
        Control = AddNamespace("c");
        Control.AddBridge("br0");
        Control.Ip($"addr add {ControlAddress}/24 dev br0\naddr add fd07::1/64 dev br0 nodad");
        RouterHost = AddHost("r", 9);
        Nodes = VirtualRouters.Select((name, i) => (name, Host: AddHost(name, 11 + i))).ToDictionary(n => n.name, n => n.Host);

        Pods = Nodes.ToDictionary(n => n.Key, n => AddPod(n.Key + "p", n.Value));

        Gobgpd = Start("gobgpd", Control, [], "sh", "-c", $"rm -f {Directory}/gobgp.sock; exec gobgpd --pprof-disable --log-level info --api-hosts {GobgpTarget}");
        var routerConfig = Path.Combine(Directory, "router.toml");
        File.WriteAllText(routerConfig,
            $"""
             [global.config]
               as = 64512
               router-id = "{RouterAddress}"
             [[neighbors]]
               [neighbors.config]
                 neighbor-address = "{ControlAddress}"
                 peer-as = 64512
               [neighbors.transport.config]
                 passive-mode = true
               [[neighbors.afi-safis]]
                 [neighbors.afi-safis.config]
                   afi-safi-name = "ipv4-unicast"
                 [neighbors.afi-safis.add-paths.config]
                   receive = true
               [[neighbors.afi-safis]]
                 [neighbors.afi-safis.config]
                   afi-safi-name = "ipv6-unicast"
                 [neighbors.afi-safis.add-paths.config]
                   receive = true
             """);
        Router = Start("router", RouterHost, [], "gobgpd", "--pprof-disable", "--log-level", "info", "-f", routerConfig, "--api-hosts", RouterTarget);
        Api = Start("api", Control, new Dictionary<string, string>
        {
            ["ConnectionStrings__CN2"] = ConnectionString + ";Maximum Pool Size=40",
            ["Http__Url"] = "http://127.0.0.1:8080",
            ["Auth__Mode"] = "none",
            ["Grpc__Url"] = $"http://{ControlAddress}:8081",
            ["Grpc__AllowPlain"] = "true",
            ["Agents__Mode"] = "none",
            ["Bgp__GoBgp__Address"] = GobgpTarget,
            ["Bgp__RouterId"] = ControlAddress,
            ["VRouters__LostAfterSeconds"] = lostAfterSeconds.ToString(CultureInfo.InvariantCulture),
            ["ControlNode__Name"] = "control",
            ["Cluster__Name"] = "model",
            ["ServiceNetwork__V4"] = ServiceNetworkV4,
            ["ServiceNetwork__V6"] = ServiceNetworkV6,
            ["ServiceNetwork__Distribution"] = distribution,
            ["NodePorts__From"] = NodePorts.First.ToString(CultureInfo.InvariantCulture),
            ["NodePorts__To"] = NodePorts.Last.ToString(CultureInfo.InvariantCulture),
        }, "dotnet", Program("CN2.Api", "CN2.Api.dll"));
        Agents = Nodes.ToDictionary(n => n.Key, n => StartAgent(n.Key, n.Key, n.Value, AddressOf(n.Key, 4), AddressOf(n.Key, 6)));
        foreach (var name in VirtualRouters)
        {
            _listeners[name] = null;
            Listen(name, true);
        }
    }

    /// <summary>Logs, the database and the last reading; CN2_MODEL_KEEP keeps them.</summary>
    public string Directory => _directory.Path;
    public NetworkNamespace Control { get; }
    public NetworkNamespace RouterHost { get; }
    public IReadOnlyDictionary<string, NetworkNamespace> Nodes { get; }

    /// <summary>Behind each node, with all of the checked addresses: a node serves no endpoint that has an address of the node itself.</summary>
    public IReadOnlyDictionary<string, NetworkNamespace> Pods { get; }
    public RunningProcess Api { get; }
    public RunningProcess Gobgpd { get; }
    public RunningProcess Router { get; }
    public IReadOnlyDictionary<string, RunningProcess> Agents { get; }
    public string GobgpTarget => $"unix://{Directory}/gobgp.sock";
    public string RouterTarget => $"unix://{Directory}/router.sock";
    public string ConnectionString => _postgres.ConnectionString("postgres");

    /// <summary>The address by which a vRouter is known: its next hop.</summary>
    public static string AddressOf(string virtualRouter, int family) => (family == 4 ? "172.31.7." : "fd07::") + (11 + Array.IndexOf(VirtualRouters, virtualRouter)).ToString(CultureInfo.InvariantCulture);

    /// <summary>Addresses that a checked endpoint may have: there is somebody behind them on both nodes.</summary>
    public static string CheckedAddress(int number) => string.Create(CultureInfo.InvariantCulture, $"10.99.0.{number + 1}");

    /// <summary>Whether health checks on this node find somebody.</summary>
    public bool IsListening(string node)
    {
        lock (_listeners) return _listeners[node] is not null;
    }

    public void Listen(string node, bool listen)
    {
        lock (_listeners)
        {
            if (_listeners[node] is not null == listen) return;
            if (!listen)
            {
                _listeners[node]!.Dispose();
                _listeners[node] = null;
                return;
            }

            var socket = OpenSocket(Pods[node]);
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new IPEndPoint(IPAddress.Any, CheckedPort));
            socket.Listen(128);
            _listeners[node] = socket;
            _ = AnswerAsync(socket);
        }
    }

    /// <param name="log">Names its log and its state directory.</param>
    public RunningProcess StartAgent(string log, string name, NetworkNamespace host, string address, string address6) => Start(
        log, host, [], "dotnet", Program("CN2.VRouter", "cn2-vrouter.dll"),
        "--server", $"http://{ControlAddress}:8081", "--name", name, "--address", address, "--address6", address6, "--state-dir", Path.Combine(Directory, $"{log}.state"));

    /// <summary>A client whose connections start in the control namespace.</summary>
    public HttpClient OpenHttp() => new(new SocketsHttpHandler
    {
        ConnectTimeout = TimeSpan.FromSeconds(3),
        ConnectCallback = async (context, ct) =>
        {
            var socket = OpenSocket(Control);
            try
            {
                await socket.ConnectAsync(IPAddress.Loopback, context.DnsEndPoint.Port, ct);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        },
    })
    { BaseAddress = new Uri("http://127.0.0.1:8080"), Timeout = TimeSpan.FromSeconds(20) };

    /// <summary>Plugs another host into the network of the lab, with 172.31.7.<paramref name="number"/>.</summary>
    public NetworkNamespace AddHost(string role, int number)
    {
        var ns = AddNamespace(role);
        Control.Ip($"link add p{role} type veth peer name eth0 netns {ns.Name}\nlink set p{role} master br0 up");
        ns.Ip($"addr add 172.31.7.{number}/24 dev eth0\naddr add fd07::{number}/64 dev eth0 nodad\nlink set eth0 up");
        return ns;
    }

    /// <summary>What both ends of the BGP session say of it, for a failure that is about routes.</summary>
    public string Sessions()
    {
        return string.Join("\n\n",
            Of("gobgpd", GobgpTarget, Gobgpd, RouterAddress, "adj-out"),
            Of("the router", RouterTarget, Router, ControlAddress, "adj-in"));

        static string Of(string name, string target, RunningProcess daemon, string peer, string table)
        {
            string Ask(params string[] arguments) => Command.Try("timeout", ["5", "gobgp", "--target", target, "neighbor", peer, .. arguments]).Output;
            return $"{name}:\n{Ask()}\n{table}:\n{Ask(table)}\n{Ask(table, "-a", "ipv6")}\n{string.Join('\n', File.ReadLines(daemon.Log!).TakeLast(40))}";
        }
    }

    public ValueTask DisposeAsync()
    {
        foreach (var name in VirtualRouters) Listen(name, false);
        foreach (var daemon in Agents.Values.Append(Api).Append(Gobgpd).Append(Router)) daemon.Dispose();
        NpgsqlConnection.ClearAllPools();
        _postgres.Dispose();
        foreach (var ns in _namespaces) ns.Dispose();
        _directory.Dispose();
        return ValueTask.CompletedTask;
    }

    private static async Task AnswerAsync(Socket socket)
    {
        try
        {
            while (true) (await socket.AcceptAsync()).Dispose();
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Closed: nobody answers any more.
        }
    }

    private NetworkNamespace AddNamespace(string role)
    {
        var ns = new NetworkNamespace(role);
        _namespaces.Add(ns);
        return ns;
    }

    private NetworkNamespace AddPod(string role, NetworkNamespace node)
    {
        var pod = AddNamespace(role);
        node.Sysctl("net/ipv4/ip_forward", "1");
        node.Sysctl("net/ipv6/conf/all/forwarding", "1");
        node.Ip($"link add pods type veth peer name eth0 netns {pod.Name}\naddr add 10.99.0.254/24 dev pods\nlink set pods up");
        pod.Ip(string.Join('\n', Enumerable.Range(0, 4).Select(i => $"addr add {CheckedAddress(i)}/24 dev eth0")) + "\nlink set eth0 up\nroute add default via 10.99.0.254");
        return pod;
    }

    private static string Program(string project, string file) =>
        Path.Combine(Repository.Root, "artifacts", "bin", project, Path.GetFileName(AppContext.BaseDirectory.TrimEnd('/')), file);

    /// <summary>A process of the product or beside it. <c>ip</c> replaces itself by the program, so that signals reach the program.</summary>
    private RunningProcess Start(string name, NetworkNamespace ns, Dictionary<string, string> environment, params string[] command) =>
        new("ip", ["netns", "exec", ns.Name, .. command], Path.Combine(Directory, name + ".log"), environment);

    private static Socket OpenSocket(NetworkNamespace ns) => ns.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
}
