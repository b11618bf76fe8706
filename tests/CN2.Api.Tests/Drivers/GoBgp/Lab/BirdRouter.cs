namespace CN2.Api.Tests.Drivers.GoBgp.Lab;

/// <summary>A real BIRD 2 in a namespace of the lab, with one BGP neighbour: the control node.</summary>
internal sealed class BirdRouter : IDisposable
{
    private readonly string _socket;
    private readonly RunningProcess _process;

    /// <param name="vpn">Speaks vpn4 and vpn6, into the tables <c>vpntab4</c> and <c>vpntab6</c>; no unicast.</param>
    /// <param name="tables">Further statements outside the session.</param>
    public BirdRouter(BgpLab lab, string name, int host, uint autonomousSystem, uint controlAutonomousSystem, bool vpn = false, string tables = "")
    {
        Namespace = lab.AddHost(name, host);
        _socket = Path.Combine(lab.Directory, name + ".ctl");
        var config = Path.Combine(lab.Directory, name + ".conf");
        var channels = vpn
            ? """
              vpn4 mpls { table vpntab4; import all; export all; };
              vpn6 mpls { table vpntab6; import all; export all; extended next hop on; };
              """
            : """
              ipv4 { import all; export none; add paths rx; };
              ipv6 { import all; export none; add paths rx; };
              """;
        File.WriteAllText(config, $$"""
            router id 172.27.115.{{host}};
            vpn4 table vpntab4;
            vpn6 table vpntab6;
            {{tables}}
            protocol device { }
            protocol direct { ipv4; ipv6; interface "eth0"; }
            protocol kernel k4 { ipv4 { export where source = RTS_BGP; }; merge paths on; }
            protocol kernel k6 { ipv6 { export where source = RTS_BGP; }; merge paths on; }
            protocol bgp control {
              local as {{autonomousSystem}};
              neighbor 172.27.115.241 as {{controlAutonomousSystem}};
              {{channels}}
              connect delay time 1; connect retry time 2; error wait time 1, 2;
            }
            """);
        _process = new("ip", "netns", "exec", Namespace, "bird", "-f", "-c", config, "-s", _socket);
    }

    public string Namespace { get; }

    public string Show(string command) => Command.Try("birdc", "-s", _socket, command).Output;

    public string Kernel(string prefix) => BgpLab.Ip(Namespace, "route", "show", prefix);

    public void Dispose() => _process.Dispose();
}
