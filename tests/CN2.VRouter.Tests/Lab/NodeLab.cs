namespace CN2.VRouter.Tests.Lab;

/// <summary>
/// A compute node with two pods, a client's network in front of it, and another node beside it with a pod that has no route back to the
/// client: 192.0.2.2 and 192.0.2.3 — node (192.0.2.1, 172.16.0.1) — 10.1.1.2, 10.1.2.2; 172.16.0.2 with 10.9.0.1.
/// IPv6 likewise under fd00:.
/// </summary>
public sealed class NodeLab : IDisposable
{
    public const string NodeAddress = "172.16.0.1";
    public const string NodeAddress6 = "fd00:16::1";
    public const string ClientSide = "192.0.2.1";
    public const string Client = "192.0.2.2";
    public const string OtherClient = "192.0.2.3";
    public const string Client6 = "fd00:c::2";
    public const string Pod1 = "10.1.1.2";
    public const string Pod2 = "10.1.2.2";
    public const string Pod1v6 = "fd00:1:1::2";
    public const string RemotePod = "10.9.0.1";
    public const string RemotePod6 = "fd00:9::1";

    private readonly List<IDisposable> _parts = [];

    public NodeLab()
    {
        try
        {
            Node = Add(new NetworkNamespace("node"));
            ClientHost = Add(new NetworkNamespace("client"));
            PodHost1 = Add(new NetworkNamespace("pod1"));
            PodHost2 = Add(new NetworkNamespace("pod2"));
            OtherNode = Add(new NetworkNamespace("other"));
            // Neighbour discovery uses the link-local address, which duplicate address detection would delay for a second.
            foreach (var home in (NetworkNamespace[])[Node, ClientHost, PodHost1, PodHost2, OtherNode]) home.Sysctl("net/ipv6/conf/default/accept_dad", "0");
            Node.Sysctl("net/ipv4/ip_forward", "1");
            Node.Sysctl("net/ipv6/conf/all/forwarding", "1");
            Link(ClientHost, "client0", "192.0.2.", "24", "fd00:c::", 1, 2, route: true);
            ClientHost.Ip("addr add 192.0.2.3/24 dev eth0");
            Link(PodHost1, "pod1", "10.1.1.", "30", "fd00:1:1::", 1, 2, route: true);
            Link(PodHost2, "pod2", "10.1.2.", "30", "fd00:1:2::", 1, 2, route: true);
            Link(OtherNode, "fabric0", "172.16.0.", "24", "fd00:16::", 1, 2, route: false);
            // A server on a wildcard socket answers with the pod's address, as if the pod had its own namespace.
            OtherNode.Ip("addr add 10.9.0.1/32 dev lo\naddr add fd00:9::1/128 dev lo nodad\nroute add 172.16.0.1/32 dev eth0 src 10.9.0.1\nroute add fd00:16::1/128 dev eth0 src fd00:9::1");
            Node.Ip("route add 10.9.0.0/24 via 172.16.0.2\nroute add fd00:9::/64 via fd00:16::2\nroute add default via 192.0.2.2\nroute add default via fd00:c::2");
            foreach (var (home, name) in ((NetworkNamespace, string)[])[(PodHost1, "pod1"), (PodHost2, "pod2"), (OtherNode, "remote")])
            {
                Add(new EchoServer(home, name, 80));
                Add(new EchoServer(home, name, 81));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public NetworkNamespace Node { get; }

    public NetworkNamespace ClientHost { get; }

    public NetworkNamespace PodHost1 { get; }

    public NetworkNamespace PodHost2 { get; }

    public NetworkNamespace OtherNode { get; }

    public void Dispose()
    {
        foreach (var part in Enumerable.Reverse(_parts)) part.Dispose();
    }

    private T Add<T>(T part)
        where T : IDisposable
    {
        _parts.Add(part);
        return part;
    }

    private void Link(NetworkNamespace host, string device, string v4, string length, string v6, int here, int there, bool route)
    {
        Node.Ip($"link add {device} type veth peer name eth0 netns {host.Name}\naddr add {v4}{here}/{length} dev {device}\naddr add {v6}{here}/64 dev {device} nodad\nlink set {device} up");
        host.Ip($"addr add {v4}{there}/{length} dev eth0\naddr add {v6}{there}/64 dev eth0 nodad\nlink set eth0 up");
        if (route) host.Ip($"route add default via {v4}{here}\nroute add default via {v6}{here}");
    }
}
