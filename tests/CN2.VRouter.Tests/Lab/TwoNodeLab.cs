using System.Net;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Inspection;
using CN2.VRouter.Nft;
using Microsoft.Extensions.Logging.Abstractions;

namespace CN2.VRouter.Tests.Lab;

/// <summary>
/// A client behind a router, two nodes beside it, and a VM that can be plugged from one node to the other with everything that it has open:
/// 198.51.100.2 — router — 172.16.1.2 (node A) or 172.16.2.2 (node B) — switch — 10.5.0.2. The nodes reach each other, and the VM, through the router. IPv6
/// likewise under fd00:. The switch keeps the VM's link up: a link that comes up may take the kernel a second. Node B has a pod too, 10.5.1.2.
/// </summary>
public sealed class TwoNodeLab : IAsyncDisposable
{
    public const string FloatingIP = "100.0.0.4";
    public const string FloatingIP6 = "2001:db8::4";
    public const string Client = "198.51.100.2";
    public const string Client6 = "fd00:c::2";
    public const string Vm = "10.5.0.2";
    public const string Vm6 = "fd00:5::2";
    public const string Pod = "10.5.1.2";
    public const string Pod6 = "fd00:5:1::2";

    private readonly List<IAsyncDisposable> _dataplanes = [];
    private readonly List<IDisposable> _parts = [];

    public TwoNodeLab()
    {
        try
        {
            Router = Add(new NetworkNamespace("router"));
            ClientHost = Add(new NetworkNamespace("client"));
            VmHost = Add(new NetworkNamespace("vm"));
            PodHost = Add(new NetworkNamespace("pod"));
            Switch = Add(new NetworkNamespace("switch"));
            var (nodeA, nodeB) = (Add(new NetworkNamespace("nodea")), Add(new NetworkNamespace("nodeb")));
            foreach (var home in (NetworkNamespace[])[Router, ClientHost, VmHost, PodHost, Switch, nodeA, nodeB])
            {
                home.Sysctl("net/ipv6/conf/default/accept_dad", "0");
                home.Sysctl("net/ipv4/ip_forward", "1");
                home.Sysctl("net/ipv6/conf/all/forwarding", "1");
            }

            Router.Ip($"link add client0 type veth peer name eth0 netns {ClientHost.Name}\naddr add 198.51.100.1/24 dev client0\naddr add fd00:c::1/64 dev client0 nodad\nlink set client0 up");
            ClientHost.Ip($"addr add {Client}/24 dev eth0\naddr add {Client6}/64 dev eth0 nodad\nlink set eth0 up\nroute add default via 198.51.100.1\nroute add default via fd00:c::1");
            A = new Node(nodeA, 1, Dataplane(nodeA, 1));
            B = new Node(nodeB, 2, Dataplane(nodeB, 2));

            Switch.AddBridge("br0");
            Switch.Ip($"link add vm type veth peer name eth0 netns {VmHost.Name}\nlink set vm master br0\nlink set vm up");
            VmHost.Ip($"addr add {Vm}/30 dev eth0\naddr add {Vm6}/64 dev eth0 nodad\nlink set eth0 up\nroute add default via 10.5.0.1\nroute add default via fd00:5::1");
            // The same address on both nodes, so the VM notices nothing but the pause.
            foreach (var node in (Node[])[A, B])
            {
                Switch.Ip($"link add node{node.Number} type veth peer name vm0 address 02:00:00:00:05:01 netns {node.Home.Name}\nlink set node{node.Number} up");
                node.Home.Ip("addr add 10.5.0.1/30 dev vm0\nlink set vm0 up\naddr add fd00:5::1/64 dev vm0 nodad");
            }

            B.Home.Ip($"link add pod0 type veth peer name eth0 netns {PodHost.Name}\naddr add 10.5.1.1/30 dev pod0\naddr add fd00:5:1::1/64 dev pod0 nodad\nlink set pod0 up");
            PodHost.Ip($"addr add {Pod}/30 dev eth0\naddr add {Pod6}/64 dev eth0 nodad\nlink set eth0 up\nroute add default via 10.5.1.1\nroute add default via fd00:5:1::1");
            Plug(B, A);
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

    public NetworkNamespace PodHost { get; }

    public Node A { get; }

    public Node B { get; }

    private NetworkNamespace Switch { get; }

    /// <summary>How long a VM that is copied to another node is out of the network.</summary>
    public static TimeSpan Pause { get; } = TimeSpan.FromMilliseconds(300);

    /// <summary>Plugs the VM from one node to the other, with a pause. A node where it is not reaches it by the router.</summary>
    public async Task MoveAsync(Node from, Node to)
    {
        Switch.Ip($"link set node{from.Number} nomaster");
        await Task.Delay(Pause);
        Plug(from, to);
    }

    /// <summary>The router reaches the FloatingIPs and the VM by this node.</summary>
    public void Route(Node node)
    {
        RouteVm(node);
        Router.Ip($"route replace {FloatingIP}/32 via {node.Address}\nroute replace {FloatingIP6}/128 via {node.Address6}");
    }

    public void RouteVm(Node node) => Router.Ip($"route replace {Vm}/32 via {node.Address}\nroute replace {Vm6}/128 via {node.Address6}");

    public async ValueTask DisposeAsync()
    {
        foreach (var dataplane in _dataplanes) await dataplane.DisposeAsync();
        foreach (var part in Enumerable.Reverse(_parts)) part.Dispose();
    }

    private void Plug(Node from, Node to)
    {
        to.Home.Try("ip", "route", "del", $"{Vm}/32");
        to.Home.Try("ip", "route", "del", $"{Vm6}/128");
        Switch.Ip($"link set node{to.Number} master br0");
        from.Home.Ip($"route add {Vm}/32 via {from.Gateway}\nroute add {Vm6}/128 via {from.Gateway6}");
    }

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

        public int Number { get; } = number;

        public string Address { get; } = $"172.16.{number}.2";

        public string Address6 { get; } = $"fd00:16:{number}::2";

        public string Gateway { get; } = $"172.16.{number}.1";

        public string Gateway6 { get; } = $"fd00:16:{number}::1";

        public Task ApplyAsync(params DataplaneNatEntry[] entries) => Home.RunAsync(() => dataplane.ApplyAsync(Configs.Config(entries).Inside("172.16.1.2/32", "172.16.2.2/32", "10.5.0.0/24", "10.5.1.0/24", "fd00:16:1::2/128", "fd00:16:2::2/128", "fd00:5::/64", "fd00:5:1::/64"), null, CancellationToken.None));
    }
}
