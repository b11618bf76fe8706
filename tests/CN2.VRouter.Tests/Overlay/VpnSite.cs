using CN2.VRouter.Tests.Lab;

namespace CN2.VRouter.Tests.Overlay;

/// <summary>
/// A router's end of a VPN and a client behind it. Every site has the same addresses, those of the client of <see cref="NodeLab"/> in
/// the underlay: 192.0.2.2 and 192.0.2.3, fd00:c::2. FloatingIPs (100.0.0.0/24, 2001:db8::/64) and pods lead into the tunnel.
/// </summary>
public sealed class VpnSite : IDisposable
{
    private readonly List<IDisposable> _parts = [];

    /// <param name="number">The number of the RoutingInstance; the router's address is 172.16.(10 + number).2.</param>
    public VpnSite(NetworkNamespace node, int number)
    {
        Number = number;
        Router = Add(new NetworkNamespace($"router{number}"));
        Client = Add(new NetworkNamespace($"vpn{number}"));
        foreach (var home in (NetworkNamespace[])[Router, Client]) home.Sysctl("net/ipv6/conf/default/accept_dad", "0");
        Router.Sysctl("net/ipv4/ip_forward", "1");
        Router.Sysctl("net/ipv6/conf/all/forwarding", "1");
        node.Ip($"link add router{number} type veth peer name eth0 netns {Router.Name}\naddr add 172.16.{10 + number}.1/24 dev router{number}\nlink set router{number} up");
        Router.Ip($"addr add {RouterAddress}/24 dev eth0\nlink set eth0 up\nroute add {NodeLab.NodeAddress}/32 via 172.16.{10 + number}.1");
        Router.Ip($"link add eth1 type veth peer name eth0 netns {Client.Name}\naddr add 192.0.2.1/24 dev eth1\naddr add fd00:c::1/64 dev eth1 nodad\nlink set eth1 up");
        Client.Ip($"addr add {NodeLab.Client}/24 dev eth0\naddr add {NodeLab.OtherClient}/24 dev eth0\naddr add {NodeLab.Client6}/64 dev eth0 nodad\nlink set eth0 up\nroute add default via 192.0.2.1\nroute add default via fd00:c::1");
        Add(new EchoServer(Client, $"client{number}", 80));
    }

    public int Number { get; }

    public NetworkNamespace Router { get; }

    public NetworkNamespace Client { get; }

    public VpnPeer Peer { get; private set; } = null!;

    public string RouterAddress => $"172.16.{10 + Number}.2";

    /// <summary>The label under which the router receives packets of the VPN.</summary>
    public uint RouterLabel => 100 + (uint)Number;

    /// <summary>The label under which the node receives packets of the VPN.</summary>
    public uint Label => 16 + (uint)Number;

    /// <summary>Makes the router send to the node by "udp" or "gre", in place of what it used before.</summary>
    public void Speak(string encapsulation, params string[] more)
    {
        Peer?.Dispose();
        string[] prefixes = ["100.0.0.0/24", "10.0.0.0/8", "2001:db8::/64", "fd00:1::/32", .. more];
        Peer = new VpnPeer(Router, RouterAddress, RouterLabel, [.. prefixes.SelectMany(p => (string[])["--route", $"{p}={NodeLab.NodeAddress}:{Label}:{encapsulation}"])]);
        Router.Ip(string.Join('\n', prefixes.Select(p => $"route add {p} dev vpn0")));
    }

    public void Dispose()
    {
        Peer?.Dispose();
        foreach (var part in Enumerable.Reverse(_parts)) part.Dispose();
    }

    private T Add<T>(T part)
        where T : IDisposable
    {
        _parts.Add(part);
        return part;
    }
}
