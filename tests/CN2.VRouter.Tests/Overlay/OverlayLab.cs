using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using CN2.Network.Collections;
using CN2.Network.Overlay;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Overlay;
using CN2.VRouter.Tests.Lab;
using Microsoft.Extensions.Logging.Abstractions;

namespace CN2.VRouter.Tests.Overlay;

/// <summary>
/// A node (172.16.0.1) between two routers (172.16.0.2, 172.16.0.3) and two pods (10.1.1.2, 10.1.2.2; fd00:1:1::2, fd00:1:2::2). Each
/// router has a client with the same address (203.0.113.1, fd00:c::1) in its VPN. Packets of the first pod belong to RoutingInstance 5,
/// those of the second to 7. The engine runs in the node's namespace.
/// </summary>
public sealed class OverlayLab : IAsyncDisposable
{
    public const string NodeAddress = "172.16.0.1";
    public const string Router1Address = "172.16.0.2";
    public const string Router2Address = "172.16.0.3";
    public const string Client = "203.0.113.1";
    public const string Client6 = "fd00:c::1";
    public const string Pod1 = "10.1.1.2";
    public const string Pod2 = "10.1.2.2";
    public const string Pod1v6 = "fd00:1:1::2";
    public const int Vpn1 = 5;
    public const int Vpn2 = 7;
    public const uint Label1 = 16 + Vpn1;
    public const uint Label2 = 16 + Vpn2;
    public const uint Router1Label = 105;
    public const uint Router2Label = 107;

    /// <summary>CN2_TEST_TUNNELS: which tunnels are tested, by default "userspace". "kernel" needs a kernel with MPLS.</summary>
    public static readonly OverlayChoice Choice = Enum.Parse<OverlayChoice>(Environment.GetEnvironmentVariable("CN2_TEST_TUNNELS") ?? "userspace", ignoreCase: true);

    private readonly List<IDisposable> _parts = [];

    public OverlayLab()
    {
        try
        {
            Node = Add(new NetworkNamespace("node"));
            Router1 = Add(new NetworkNamespace("router1"));
            Router2 = Add(new NetworkNamespace("router2"));
            PodHost1 = Add(new NetworkNamespace("pod1"));
            PodHost2 = Add(new NetworkNamespace("pod2"));
            // Otherwise duplicate address detection delays neighbour discovery for two seconds.
            foreach (var home in (NetworkNamespace[])[Node, Router1, Router2, PodHost1, PodHost2]) home.Sysctl("net/ipv6/conf/default/accept_dad", "0");
            Node.Sysctl("net/ipv4/ip_forward", "1");
            Node.Sysctl("net/ipv6/conf/all/forwarding", "1");
            Node.AddBridge("br0");
            Node.Ip($"addr add {NodeAddress}/24 dev br0");
            Link(Router1, "router1", $"{Router1Address}/24");
            Link(Router2, "router2", $"{Router2Address}/24");
            Node.Ip("link set router1 master br0\nlink set router2 master br0");
            foreach (var (pod, number) in ((NetworkNamespace, int)[])[(PodHost1, 1), (PodHost2, 2)])
            {
                Link(pod, $"pod{number}", $"10.1.{number}.2/30", $"fd00:1:{number}::2/64 nodad");
                Node.Ip($"addr add 10.1.{number}.1/30 dev pod{number}\naddr add fd00:1:{number}::1/64 dev pod{number} nodad");
                pod.Ip($"route add default via 10.1.{number}.1\nroute add default via fd00:1:{number}::1");
                Add(new EchoServer(pod, $"pod{number}", 80));
            }

            Node.ExecWith($$"""
                table inet marks {
                  chain prerouting {
                    type filter hook prerouting priority mangle
                    iifname "pod1" meta mark set {{OverlayNumbers.FromVpn + Vpn1}}
                    iifname "pod2" meta mark set {{OverlayNumbers.FromVpn + Vpn2}}
                  }
                  # What the node itself has to say to a VPN, as the agent's tables do.
                  chain output {
                    type filter hook output priority filter
                    oifname "cn2-*" drop
                  }
                }
                """, "nft", "-f", "-");
            Engine = Node.Run(NewEngine);
        }
        catch
        {
            foreach (var part in Enumerable.Reverse(_parts)) part.Dispose();
            throw;
        }
    }

    public static bool Kernel => Choice == OverlayChoice.Kernel;

    public NetworkNamespace Node { get; }

    public NetworkNamespace Router1 { get; }

    public NetworkNamespace Router2 { get; }

    public NetworkNamespace PodHost1 { get; }

    public NetworkNamespace PodHost2 { get; }

    public OverlayEngine Engine { get; private set; }

    public OverlayConfig Config { get; private set; } = new();

    /// <summary>One RoutingInstance with routes to the client's prefixes through the router.</summary>
    public static OverlayConfig OneVpn(bool udp, string router = Router1Address) =>
        With(new OverlayConfig(), Vpn1, Label1, new VpnPath(IPAddress.Parse(router), Router1Label, udp, !udp));

    public static OverlayConfig TwoVpns() =>
        With(OneVpn(udp: true), Vpn2, Label2, new VpnPath(IPAddress.Parse(Router2Address), Router2Label, false, true));

    public static OverlayConfig With(OverlayConfig config, int number, uint label, params VpnPath[] paths)
    {
        config.RoutingInstances[number] = label;
        config.Routes[Route(number, "203.0.113.0/24")] = paths.ToEquatableList();
        config.Routes[Route(number, "fd00:c::/64")] = paths.ToEquatableList();
        return config;
    }

    public static VpnRouteKey Route(int number, string prefix) => new(number, IPNetwork.Parse(prefix));

    public Task<IReadOnlyList<DataplaneRefusal>> ApplyAsync(OverlayConfig config, OverlayChange? change = null)
    {
        Config = config;
        return Node.RunAsync(() => Engine.ApplyAsync(config, change, TestContext.Current.CancellationToken));
    }

    /// <summary>Waits until the engine has handled the packets that have reached the node: each call waits for one round of both threads.</summary>
    public async Task SettleAsync()
    {
        await ApplyAsync(Config);
        await ApplyAsync(Config);
    }

    /// <summary>Waits until a condition is true; each try waits for a round of the engine's threads.</summary>
    public Task UntilAsync(Func<bool> condition) => UntilAsync(() => Task.FromResult(condition()));

    public async Task UntilAsync(Func<Task<bool>> condition)
    {
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            if (watch.Elapsed > Patience.Seconds(15)) throw new TimeoutException($"not within {Patience.Seconds(15).TotalSeconds} s: {Engine.Counters} {string.Join(' ', Engine.Counters.RoutingInstances)}");
            await SettleAsync();
        }
    }

    /// <summary>Waits until the engine reports this manual change; the kernel may send several notices for one change.</summary>
    public async Task DriftAsync(string report)
    {
        using var timeout = new CancellationTokenSource(Patience.Seconds(10));
        while (await Engine.Drift.ReadAsync(timeout.Token) != report)
        {
        }
    }

    public Task<Answer?> ReachAsync(ProtocolType protocol = ProtocolType.Tcp, string pod = Pod1) => EchoClient.OnceAsync(Router1, protocol, pod, 80);

    /// <summary>A new engine, as after a restart of the agent: its memory is empty, the kernel's state stays.</summary>
    public async Task RestartAsync()
    {
        await Engine.DisposeAsync();
        Engine = Node.Run(NewEngine);
    }

    /// <summary>The router's end of the first VPN, with its client.</summary>
    public VpnPeer Peer1(string encapsulation, params string[] more) =>
        Peer(Router1, Router1Address, Router1Label, ["--route", $"10.1.0.0/16={NodeAddress}:{Label1}:{encapsulation}", "--route", $"fd00:1::/32={NodeAddress}:{Label1}:{encapsulation}", .. more]);

    public VpnPeer Peer2(string encapsulation) =>
        Peer(Router2, Router2Address, Router2Label, "--route", $"10.1.0.0/16={NodeAddress}:{Label2}:{encapsulation}", "--route", $"fd00:1::/32={NodeAddress}:{Label2}:{encapsulation}");

    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        await Node.RunAsync(() => OverlayEngine.FlushAsync("cn2"));
        foreach (var part in Enumerable.Reverse(_parts)) part.Dispose();
    }

    private OverlayEngine NewEngine() => new("cn2", IPAddress.Parse(NodeAddress), Choice, NullLogger<OverlayEngine>.Instance);

    private VpnPeer Peer(NetworkNamespace home, string address, uint label, params string[] arguments)
    {
        var peer = new VpnPeer(home, address, label, arguments);
        _parts.Add(peer);
        home.Ip($"addr add {Client}/32 dev vpn0\naddr add {Client6}/128 dev vpn0 nodad\nroute add 10.1.0.0/16 dev vpn0 src {Client}\nroute add fd00:1::/32 dev vpn0 src {Client6}");
        return peer;
    }

    private void Link(NetworkNamespace host, string device, params string[] addresses)
    {
        Node.Ip($"link add {device} type veth peer name eth0 netns {host.Name}\nlink set {device} up");
        host.Ip("link set eth0 up\n" + string.Join('\n', addresses.Select(a => $"addr add {a.Replace(" nodad", "")} dev eth0{(a.Contains("nodad") ? " nodad" : "")}")));
    }

    private T Add<T>(T part)
        where T : IDisposable
    {
        _parts.Add(part);
        return part;
    }
}
