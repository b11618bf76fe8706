using System.Net;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Nft;
using Microsoft.Extensions.Logging.Abstractions;

namespace CN2.VRouter.Tests.Lab;

/// <summary>
/// A client behind a router, two nodes beside it, and a VM that can be plugged from the first node to the second with everything that it has open:
/// 198.51.100.2 — router — 172.16.1.2 (node A) or 172.16.2.2 (node B) — 10.5.0.2. The nodes reach each other, and the VM, through the router. IPv6 likewise under fd00:.
/// </summary>
public sealed class TwoNodeLab : IAsyncDisposable
{
    public const string FloatingIP = "100.0.0.4";
    public const string FloatingIP6 = "2001:db8::4";
    public const string Client = "198.51.100.2";
    public const string Vm = "10.5.0.2";
    public const string Vm6 = "fd00:5::2";

    private readonly List<IAsyncDisposable> _dataplanes = [];
    private readonly List<IDisposable> _parts = [];

    public TwoNodeLab()
    {
        try
        {
            Router = Add(new NetworkNamespace("router"));
            ClientHost = Add(new NetworkNamespace("client"));
            VmHost = Add(new NetworkNamespace("vm"));
            var (nodeA, nodeB) = (Add(new NetworkNamespace("nodea")), Add(new NetworkNamespace("nodeb")));
            foreach (var home in (NetworkNamespace[])[Router, ClientHost, VmHost, nodeA, nodeB])
            {
                home.Sysctl("net/ipv6/conf/default/accept_dad", "0");
                home.Sysctl("net/ipv4/ip_forward", "1");
                home.Sysctl("net/ipv6/conf/all/forwarding", "1");
            }

            Router.Ip($"link add client0 type veth peer name eth0 netns {ClientHost.Name}\naddr add 198.51.100.1/24 dev client0\naddr add fd00:c::1/64 dev client0 nodad\nlink set client0 up");
            ClientHost.Ip($"addr add {Client}/24 dev eth0\naddr add fd00:c::2/64 dev eth0 nodad\nlink set eth0 up\nroute add default via 198.51.100.1\nroute add default via fd00:c::1");
            A = new Node(nodeA, 1, Dataplane(nodeA, 1));
            B = new Node(nodeB, 2, Dataplane(nodeB, 2));

            // The node's end of the VM's link has the same address on both nodes, so the VM notices nothing but the pause.
            A.Home.Ip($"link add vm0 address 02:00:00:00:05:01 type veth peer name eth0 netns {VmHost.Name}");
            VmHost.Ip($"addr add {Vm}/30 dev eth0\naddr add {Vm6}/64 dev eth0 nodad\nlink set eth0 up");
            Plug(A);
            VmHost.Ip("route add default via 10.5.0.1\nroute add default via fd00:5::1");
            Route(A);
        }
        catch
        {
            foreach (var part in Enumerable.Reverse(_parts)) part.Dispose();
            throw;
        }
    }

    public NetworkNamespace Router { get; }

    public NetworkNamespace ClientHost { get; }

    public NetworkNamespace VmHost { get; }

    public Node A { get; }

    public Node B { get; }

    /// <summary>Plugs the VM from one node to the other.</summary>
    public static void Move(Node from, Node to)
    {
        // The fabric: a node reaches the VM by the router when it is elsewhere.
        to.Home.Try("ip", "route", "del", $"{Vm}/32");
        to.Home.Try("ip", "route", "del", $"{Vm6}/128");
        from.Home.Ip($"link set vm0 down\nlink set vm0 netns {to.Home.Name}\nroute add {Vm}/32 via {from.Gateway}\nroute add {Vm6}/128 via {from.Gateway6}");
        Plug(to);
    }

    /// <summary>The router reaches the FloatingIPs and the VM by this node.</summary>
    public void Route(Node node) => Router.Ip(
        $"route replace {FloatingIP}/32 via {node.Address}\nroute replace {Vm}/32 via {node.Address}\n"
        + $"route replace {FloatingIP6}/128 via {node.Address6}\nroute replace {Vm6}/128 via {node.Address6}");

    public async ValueTask DisposeAsync()
    {
        foreach (var dataplane in _dataplanes) await dataplane.DisposeAsync();
        foreach (var part in Enumerable.Reverse(_parts)) part.Dispose();
    }

    private static void Plug(Node node) => node.Home.Ip("addr add 10.5.0.1/30 dev vm0\nlink set vm0 up\naddr add fd00:5::1/64 dev vm0 nodad");

    private NftDataplane Dataplane(NetworkNamespace home, int number)
    {
        Router.Ip($"link add node{number} type veth peer name up0 netns {home.Name}\naddr add 172.16.{number}.1/24 dev node{number}\naddr add fd00:16:{number}::1/64 dev node{number} nodad\nlink set node{number} up");
        home.Ip($"addr add 172.16.{number}.2/24 dev up0\naddr add fd00:16:{number}::2/64 dev up0 nodad\nlink set up0 up\nroute add default via 172.16.{number}.1\nroute add default via fd00:16:{number}::1");
        IPAddress[] own = [IPAddress.Parse($"172.16.{number}.2"), IPAddress.Parse($"fd00:16:{number}::2")];
        var uplinks = new NodeUplinks(own);
        return home.Run(() =>
        {
            uplinks.Refresh();
            var dataplane = new NftDataplane(new NftOptions("cn2", own[0], own[1]), NullLogger<NftDataplane>.Instance, uplinks: uplinks);
            _dataplanes.Add(dataplane);
            return dataplane;
        });
    }

    private T Add<T>(T part)
        where T : IDisposable
    {
        _parts.Add(part);
        return part;
    }

    public sealed class Node(NetworkNamespace home, int number, NftDataplane dataplane)
    {
        public NetworkNamespace Home { get; } = home;

        public string Address { get; } = $"172.16.{number}.2";

        public string Address6 { get; } = $"fd00:16:{number}::2";

        public string Gateway { get; } = $"172.16.{number}.1";

        public string Gateway6 { get; } = $"fd00:16:{number}::1";

        public Task ApplyAsync(params DataplaneNatEntry[] entries) => Home.RunAsync(() => dataplane.ApplyAsync(Configs.Config(entries), null, CancellationToken.None));
    }
}
