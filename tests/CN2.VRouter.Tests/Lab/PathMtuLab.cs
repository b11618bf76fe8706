namespace CN2.VRouter.Tests.Lab;

/// <summary>
/// Two nodes with a pod each behind a router that spreads the flows to a FloatingIP over both (ECMP by the hash of addresses and ports), and a client
/// behind a link of 1,400 octets: 192.0.2.2 — hop — 1,400 — router — node1 172.16.1.1 (pod 10.1.1.2) and node2 172.16.2.1 (pod 10.1.2.2). IPv6 likewise
/// under fd00:. The router brings every ICMP error to node1: the Linux kernel would hash the packet in it, other routers hash the error itself.
/// </summary>
public sealed class PathMtuLab : IDisposable
{
    public const string FloatingIP = "100.0.0.4";
    public const string FloatingIP6 = "2001:db8::4";
    public const string Node1Address = "172.16.1.1";
    public const string Node2Address = "172.16.2.1";
    public const string Pod1 = "10.1.1.2";
    public const string Pod2 = "10.1.2.2";
    public const string Pod1v6 = "fd00:1:1::2";
    public const string Pod2v6 = "fd00:1:2::2";

    private readonly List<IDisposable> _parts = [];

    public PathMtuLab()
    {
        try
        {
            Client = Add(new NetworkNamespace("client"));
            Hop = Add(new NetworkNamespace("hop"));
            Router = Add(new NetworkNamespace("router"));
            Node1 = Add(new NetworkNamespace("node1"));
            Node2 = Add(new NetworkNamespace("node2"));
            PodHost1 = Add(new NetworkNamespace("pod1"));
            PodHost2 = Add(new NetworkNamespace("pod2"));
            foreach (var home in (NetworkNamespace[])[Client, Hop, Router, Node1, Node2, PodHost1, PodHost2]) home.Sysctl("net/ipv6/conf/default/accept_dad", "0");
            foreach (var home in (NetworkNamespace[])[Hop, Router, Node1, Node2])
            {
                home.Sysctl("net/ipv4/ip_forward", "1");
                home.Sysctl("net/ipv6/conf/all/forwarding", "1");
            }

            Link(Hop, "client0", "192.0.2.1/24", "fd00:c::1/64", Client, "eth0", "192.0.2.2/24", "fd00:c::2/64");
            Link(Router, "hop0", "172.16.9.1/24", "fd00:16:9::1/64", Hop, "eth0", "172.16.9.2/24", "fd00:16:9::2/64");
            Link(Router, "node1", "172.16.1.2/24", "fd00:16:1::2/64", Node1, "eth0", "172.16.1.1/24", "fd00:16:1::1/64");
            Link(Router, "node2", "172.16.2.2/24", "fd00:16:2::2/64", Node2, "eth0", "172.16.2.1/24", "fd00:16:2::1/64");
            Link(Node1, "pod", "10.1.1.1/30", "fd00:1:1::1/64", PodHost1, "eth0", "10.1.1.2/30", "fd00:1:1::2/64");
            Link(Node2, "pod", "10.1.2.1/30", "fd00:1:2::1/64", PodHost2, "eth0", "10.1.2.2/30", "fd00:1:2::2/64");
            foreach (var (home, v4, v6) in ((NetworkNamespace, string, string)[])
                [(Client, "192.0.2.1", "fd00:c::1"), (Hop, "172.16.9.1", "fd00:16:9::1"), (Node1, "172.16.1.2", "fd00:16:1::2"), (Node2, "172.16.2.2", "fd00:16:2::2"), (PodHost1, "10.1.1.1", "fd00:1:1::1"), (PodHost2, "10.1.2.1", "fd00:1:2::1")])
                home.Ip($"route add default via {v4}\nroute add default via {v6}");
            Router.Ip("route add 192.0.2.0/24 via 172.16.9.2\nroute add fd00:c::/64 via fd00:16:9::2\nlink set hop0 mtu 1400");
            Hop.Ip("link set eth0 mtu 1400");
            Router.Sysctl("net/ipv4/fib_multipath_hash_policy", "1");
            Router.Sysctl("net/ipv6/fib_multipath_hash_policy", "1");
            Router.Ip($"route add {FloatingIP}/32 nexthop via {Node1Address} nexthop via {Node2Address}\nroute add {FloatingIP6}/128 nexthop via fd00:16:1::1 nexthop via fd00:16:2::1");
            Router.Ip($"rule add ipproto icmp lookup 100\nroute add {FloatingIP}/32 via {Node1Address} table 100\nroute add {FloatingIP6}/128 via fd00:16:1::1 table 100");
            Router.Exec("ip", "-6", "rule", "add", "ipproto", "ipv6-icmp", "lookup", "100");
            Add(new DownloadServer(PodHost1, 80));
            Add(new DownloadServer(PodHost2, 80));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public NetworkNamespace Client { get; }

    public NetworkNamespace Hop { get; }

    public NetworkNamespace Router { get; }

    public NetworkNamespace Node1 { get; }

    public NetworkNamespace Node2 { get; }

    public NetworkNamespace PodHost1 { get; }

    public NetworkNamespace PodHost2 { get; }

    public void Dispose()
    {
        foreach (var part in Enumerable.Reverse(_parts)) part.Dispose();
    }

    /// <summary>Pods and client forget which links their packets were too big for: a client that knows asks for small segments from the start.</summary>
    public void ForgetPaths()
    {
        foreach (var host in (NetworkNamespace[])[PodHost1, PodHost2, Client])
        {
            host.Exec("ip", "route", "flush", "cache");
            host.Exec("ip", "-6", "route", "flush", "cache");
        }
    }

    private static void Link(NetworkNamespace here, string device, string v4, string v6, NetworkNamespace there, string other, string v4There, string v6There)
    {
        here.Ip($"link add {device} type veth peer name {other} netns {there.Name}\naddr add {v4} dev {device}\naddr add {v6} dev {device} nodad\nlink set {device} up");
        there.Ip($"addr add {v4There} dev {other}\naddr add {v6There} dev {other} nodad\nlink set {other} up");
    }

    private T Add<T>(T part)
        where T : IDisposable
    {
        _parts.Add(part);
        return part;
    }
}
