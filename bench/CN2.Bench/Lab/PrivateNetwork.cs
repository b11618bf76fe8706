using System.Globalization;

namespace CN2.Bench.Lab;

/// <summary>
/// The bench's own world. The program starts itself again inside a network namespace of its own, the control node; routers, compute
/// nodes and clients are further namespaces on its bridge. Nothing is visible outside. The outer process clears up when the inner one
/// ends, however it ends; what a killed outer one left is cleared at the next start.
/// </summary>
internal sealed class PrivateNetwork
{
    private const string Mark = "cn2bench";
    private const string Variable = "CN2_BENCH_LAB";

    private PrivateNetwork(string id, string directory)
    {
        Id = id;
        Directory = directory;
    }

    public string Id { get; }

    /// <summary>Run files and logs; others may walk through it (PostgreSQL and FRR run as users of their own).</summary>
    public string Directory { get; }

    /// <summary>The network of the inner process; null in the outer one.</summary>
    public static PrivateNetwork? Inside() =>
        Environment.GetEnvironmentVariable(Variable) is { } text ? new PrivateNetwork(text.Split(' ')[0], text.Split(' ')[1]) : null;

    /// <summary>Makes the control namespace, runs this program in it, clears up. Returns its exit code.</summary>
    public static int RunInside(string[] arguments)
    {
        foreach (var line in RunningProcess.Run("ip", "netns", "list").Split('\n'))
        {
            var name = line.Split(' ')[0];
            if (!name.StartsWith(Mark, StringComparison.Ordinal)) continue;
            if (!System.IO.Directory.Exists($"/proc/{name[Mark.Length..].Split('-')[0]}")) Clear(name);
        }

        var id = string.Create(CultureInfo.InvariantCulture, $"{Mark}{Environment.ProcessId}");
        var directory = System.IO.Directory.CreateTempSubdirectory(Mark + "-").FullName;
        RunningProcess.Run("chmod", "755", directory);
        var network = new PrivateNetwork(id, directory);
        try
        {
            var control = network.AddNamespace("control");
            Ip(control, "link", "add", "br0", "type", "bridge");
            Ip(control, "addr", "add", "172.27.115.241/24", "dev", "br0");
            Ip(control, "link", "set", "br0", "up");
            var start = new System.Diagnostics.ProcessStartInfo("ip", ["netns", "exec", control, Environment.ProcessPath!, .. arguments])
            {
                Environment = { [Variable] = $"{id} {directory}" },
            };
            using var inner = System.Diagnostics.Process.Start(start)!;
            // ^C reaches the inner one too; the outer one stays to clear up.
            Console.CancelKeyPress += (_, e) => e.Cancel = true;
            using var terminated = System.Runtime.InteropServices.PosixSignalRegistration.Create(System.Runtime.InteropServices.PosixSignal.SIGTERM, context =>
            {
                context.Cancel = true;
                inner.Kill();
            });
            inner.WaitForExit();
            return inner.ExitCode;
        }
        finally
        {
            foreach (var line in RunningProcess.Run("ip", "netns", "list").Split('\n'))
            {
                var name = line.Split(' ')[0];
                if (name.StartsWith(id + "-", StringComparison.Ordinal)) Clear(name);
            }

            if (Environment.GetEnvironmentVariable("CN2_BENCH_KEEP") is null) System.IO.Directory.Delete(directory, recursive: true);
        }
    }

    public string NameOf(string node) => $"{Id}-{node}";

    /// <summary>A namespace on the fabric with 172.27.115.<paramref name="host"/>, forwarding.</summary>
    public string AddNode(string node, int host)
    {
        var ns = AddNamespace(node);
        Wire(NameOf("control"), node, ns, "eth0");
        Ip(NameOf("control"), "link", "set", node, "master", "br0");
        Ip(ns, "addr", "add", $"172.27.115.{host}/24", "dev", "eth0");
        Exec(ns, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0");
        return ns;
    }

    public string AddNamespace(string node)
    {
        var ns = NameOf(node);
        RunningProcess.Run("ip", "netns", "add", ns);
        Ip(ns, "link", "set", "lo", "up");
        return ns;
    }

    /// <summary>A cable between two namespaces.</summary>
    public static void Wire(string ns, string device, string otherNs, string otherDevice)
    {
        Ip(ns, "link", "add", device, "type", "veth", "peer", "name", otherDevice, "netns", otherNs);
        Ip(ns, "link", "set", device, "up");
        Ip(otherNs, "link", "set", otherDevice, "up");
    }

    public static string Ip(string ns, params string[] arguments) => RunningProcess.Run("ip", ["-n", ns, .. arguments]);

    public static string Exec(string ns, params string[] command) => RunningProcess.Run("ip", ["netns", "exec", ns, .. command]);

    /// <summary>Ends what runs inside (all of it is the bench's own) and removes it.</summary>
    private static void Clear(string ns)
    {
        var pids = RunningProcess.TryRun("ip", "netns", "pids", ns).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (pids.Length > 0) RunningProcess.TryRun("kill", ["-9", .. pids]);
        RunningProcess.TryRun("ip", "netns", "del", ns);
    }
}
