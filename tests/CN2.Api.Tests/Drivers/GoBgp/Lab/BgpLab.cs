using System.Globalization;

namespace CN2.Api.Tests.Drivers.GoBgp.Lab;

/// <summary>
/// The seed's network in namespaces of its own: a control namespace 172.27.115.241 (fd00:115::241) with a bridge, on which routers are
/// plugged. Nothing of it is visible outside; disposing takes everything away again, and what a killed test run left is cleared at the
/// next start.
/// </summary>
internal sealed class BgpLab : IDisposable
{
    private const string Mark = "cn2bgp";
    private static int _counter;

    private readonly string _id = string.Create(CultureInfo.InvariantCulture, $"{Mark}{Environment.ProcessId}x{Interlocked.Increment(ref _counter)}");
    private readonly List<string> _namespaces = [];
    private readonly List<IDisposable> _things = [];
    private int _ports;

    static BgpLab()
    {
        foreach (var line in RunningProcess.Run("ip", "netns", "list").Split('\n'))
        {
            var name = line.Split(' ')[0];
            if (!name.StartsWith(Mark, StringComparison.Ordinal)) continue;
            var owner = name[Mark.Length..].Split('x')[0];
            if (System.IO.Directory.Exists($"/proc/{owner}")) continue;
            Clear(name);
        }
    }

    public BgpLab()
    {
        Directory = System.IO.Directory.CreateTempSubdirectory("cn2-bgp-").FullName;
        RunningProcess.Run("chmod", "755", Directory);
        Control = AddNamespace("c");
        Ip(Control, "link", "add", "br0", "type", "bridge");
        Ip(Control, "addr", "add", "172.27.115.241/24", "dev", "br0");
        Ip(Control, "addr", "add", "fd00:115::241/64", "dev", "br0", "nodad");
        Ip(Control, "link", "set", "br0", "up");
    }

    public string Directory { get; }

    public string Control { get; }

    /// <summary>A namespace on the bridge with 172.27.115.<paramref name="host"/> and fd00:115::<paramref name="host"/>.</summary>
    public string AddHost(string name, int host)
    {
        var ns = AddNamespace(name);
        var port = $"p{++_ports}";
        Ip(Control, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", ns);
        Ip(Control, "link", "set", port, "master", "br0", "up");
        Ip(ns, "addr", "add", $"172.27.115.{host}/24", "dev", "eth0");
        Ip(ns, "addr", "add", $"fd00:115::{host}/64", "dev", "eth0", "nodad");
        Ip(ns, "link", "set", "eth0", "up");
        return ns;
    }

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

    public static string Ip(string ns, params string[] arguments) => RunningProcess.Run("ip", ["-n", ns, .. arguments]);

    public void Dispose()
    {
        foreach (var thing in Enumerable.Reverse(_things)) thing.Dispose();
        foreach (var ns in _namespaces) Clear(ns);
        System.IO.Directory.Delete(Directory, recursive: true);
    }

    private static void Clear(string ns)
    {
        foreach (var pid in RunningProcess.TryRun("ip", "netns", "pids", ns).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            RunningProcess.TryRun("kill", "-9", pid);
        RunningProcess.TryRun("ip", "netns", "del", ns);
    }

    private string AddNamespace(string name)
    {
        var ns = _id + name;
        RunningProcess.Run("ip", "netns", "add", ns);
        _namespaces.Add(ns);
        Ip(ns, "link", "set", "lo", "up");
        return ns;
    }
}
