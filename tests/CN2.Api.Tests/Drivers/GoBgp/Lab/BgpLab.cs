namespace CN2.Api.Tests.Drivers.GoBgp.Lab;

/// <summary>
/// The network of the example in <c>docs/contract.md</c> in namespaces of its own: a control node 172.27.115.241 (fd00:115::241) with a
/// bridge that routers are plugged into. Nothing of it is visible outside.
/// </summary>
internal sealed class BgpLab : IDisposable
{
    private readonly List<IDisposable> _things = [];
    private int _ports;

    public BgpLab()
    {
        Directory = Keep(new TemporaryDirectory("cn2-bgp-")).Path;
        var control = Keep(new NetworkNamespace("control"));
        Control = control.Name;
        control.AddBridge("br0");
        Ip(Control, "addr", "add", "172.27.115.241/24", "dev", "br0");
        Ip(Control, "addr", "add", "fd00:115::241/64", "dev", "br0", "nodad");
    }

    public string Directory { get; }

    public string Control { get; }

    /// <summary>A namespace on the bridge with 172.27.115.<paramref name="host"/> and fd00:115::<paramref name="host"/>.</summary>
    public string AddHost(string name, int host)
    {
        var ns = Keep(new NetworkNamespace(name)).Name;
        var port = $"p{++_ports}";
        Ip(Control, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", ns);
        Ip(Control, "link", "set", port, "master", "br0", "up");
        Ip(ns, "addr", "add", $"172.27.115.{host}/24", "dev", "eth0");
        Ip(ns, "addr", "add", $"fd00:115::{host}/64", "dev", "eth0", "nodad");
        Ip(ns, "link", "set", "eth0", "up");
        return ns;
    }

    /// <summary>FRR as a router on the bridge.</summary>
    /// <param name="name">Its host name.</param>
    /// <param name="host">The last part of its addresses.</param>
    /// <param name="autonomousSystem">Its AS number.</param>
    /// <param name="bgp">The body of its <c>router bgp</c>.</param>
    public FrrRouter Frr(string name, int host, uint autonomousSystem, string bgp) => Keep(new FrrRouter(AddHost(name, host), Path.Combine(Directory, name),
        $"hostname {name}\nrouter bgp {autonomousSystem}\n bgp router-id 172.27.115.{host}\n no bgp ebgp-requires-policy\n no bgp default ipv4-unicast\n{bgp}\n"));

    /// <summary>Another gobgpd as a router that connects to the control node with these families; its own command line drives it.</summary>
    public async Task<GoBgpRouter> RouterAsync(string name, int host, string[] families, uint autonomousSystem = Spec.Asn)
    {
        var router = Keep(new GoBgpRouter(this, name, host, autonomousSystem));
        await router.StartAsync(families);
        return router;
    }

    public T Keep<T>(T thing) where T : IDisposable
    {
        _things.Add(thing);
        return thing;
    }

    public static string Ip(string ns, params string[] arguments) => Command.Run("ip", ["-n", ns, .. arguments]);

    public void Dispose()
    {
        foreach (var thing in Enumerable.Reverse(_things)) thing.Dispose();
    }
}
