using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace CN2.Bench.Lab;

/// <summary>
/// The bench's own world. The program starts itself again in mount and IPC namespaces of its own, inside the network namespace of the
/// control node; routers, compute nodes and clients are further network namespaces on its bridge, whose names only this world knows.
/// Nothing of it is visible outside, and everything in it goes with its last process. The outer process ends them all (they are known by
/// their IPC namespace) and removes the run directory, however the inner one ended; what a killed outer one left goes at the next start.
/// A pid namespace would be simpler still, but there nft's notices name processes as the host does, and cn2-vrouter takes its own
/// changes for somebody else's.
/// </summary>
internal sealed class PrivateNetwork
{
    private const string Mark = "cn2bench-";
    private const string Variable = "CN2_BENCH_LAB";

    /// <summary>The name of the IPC namespace, in the run directory.</summary>
    private const string World = "world";

    /// <summary>Names of network namespaces live in /run/netns, shared memory in /dev/shm: both are this world's own.</summary>
    private const string Enter =
        """
        readlink /proc/self/ns/ipc >"$1" && shift && mkdir -p /run/netns && mount -t tmpfs tmpfs /run/netns && mount -t tmpfs tmpfs /dev/shm && ip netns add control && ip -n control link set lo up &&
        ip -n control link add br0 address 02:00:00:00:00:f1 type bridge && ip -n control addr add 172.27.115.241/24 dev br0 && ip -n control link set br0 up && exec ip netns exec control "$@"
        """;

    /// <summary>Nothing the bench does takes that long; something hangs.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(90);

    private PrivateNetwork(string directory) => Directory = directory;

    /// <summary>Run files and logs; others may walk through it (PostgreSQL and FRR run as users of their own).</summary>
    public string Directory { get; }

    /// <summary>The network of the inner process; null in the outer one.</summary>
    public static PrivateNetwork? Inside() => Environment.GetEnvironmentVariable(Variable) is { } directory ? new PrivateNetwork(directory) : null;

    /// <summary>Makes the world, runs this program in it, clears up. Returns its exit code.</summary>
    public static int RunInside(string[] arguments)
    {
        foreach (var former in System.IO.Directory.GetDirectories(Path.GetTempPath(), Mark + "*"))
            if (int.TryParse(Path.GetFileName(former)[Mark.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && !IsBench(pid)) Clear(former);
        var directory = Path.Combine(Path.GetTempPath(), string.Create(CultureInfo.InvariantCulture, $"{Mark}{Environment.ProcessId}"));
        System.IO.Directory.CreateDirectory(directory);
        Command.Run("chmod", "755", directory);
        Process? inner = null;
        var interrupted = false;
        // ^C reaches the inner ones too; this one stays to clear up.
        PosixSignal[] signals = [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT];
        var registrations = Array.ConvertAll(signals, s => PosixSignalRegistration.Create(s, context =>
        {
            context.Cancel = true;
            interrupted = true;
            inner?.Kill();
        }));
        try
        {
            // One process all the way, which the kernel ends when this one is gone.
            var start = new ProcessStartInfo("setpriv", ["--pdeathsig", "KILL", "unshare", "--mount", "--ipc", "sh", "-c", Enter, "sh", Path.Combine(directory, World), Environment.ProcessPath!, .. arguments])
            {
                Environment = { [Variable] = directory },
            };
            inner = Process.Start(start)!;
            if (interrupted) inner.Kill();
            if (!inner.WaitForExit(Limit))
            {
                Console.Error.WriteLine($"The bench did not end within {Limit.TotalMinutes} minutes and is stopped.");
                inner.Kill();
                inner.WaitForExit();
                return 1;
            }

            return interrupted ? 130 : inner.ExitCode;
        }
        finally
        {
            Clear(directory);
            foreach (var registration in registrations) registration.Dispose();
            inner?.Dispose();
        }
    }

    /// <summary>A namespace on the fabric with 172.27.115.<paramref name="host"/>, forwarding.</summary>
    public static string AddNode(string node, int host)
    {
        AddNamespace(node);
        Wire("control", node, node, "eth0");
        Ip("control", "link", "set", node, "master", "br0");
        Ip(node, "addr", "add", $"172.27.115.{host}/24", "dev", "eth0");
        Exec(node, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0");
        return node;
    }

    public static string AddNamespace(string node)
    {
        Command.Run("ip", "netns", "add", node);
        Ip(node, "link", "set", "lo", "up");
        return node;
    }

    /// <summary>A cable between two namespaces.</summary>
    public static void Wire(string ns, string device, string otherNs, string otherDevice)
    {
        Ip(ns, "link", "add", device, "type", "veth", "peer", "name", otherDevice, "netns", otherNs);
        Ip(ns, "link", "set", device, "up");
        Ip(otherNs, "link", "set", otherDevice, "up");
    }

    public static string Ip(string ns, params string[] arguments) => Command.Run("ip", ["-n", ns, .. arguments]);

    public static string Exec(string ns, params string[] command) => Command.Run("ip", ["netns", "exec", ns, .. command]);

    private static bool IsBench(int pid) =>
        File.Exists($"/proc/{pid}/cmdline") && File.ReadAllText($"/proc/{pid}/cmdline").Contains("CN2.Bench", StringComparison.Ordinal);

    /// <summary>Ends every process of a world (all of them are the bench's own), then removes its run directory.</summary>
    private static void Clear(string directory)
    {
        var file = Path.Combine(directory, World);
        var world = File.Exists(file) ? File.ReadAllText(file).Trim() : "";
        for (var attempt = 1; world.Length > 0 && world != NamespaceOf("self") && attempt <= 50; attempt++)
        {
            var pids = System.IO.Directory.GetDirectories("/proc").Select(d => Path.GetFileName(d)).Where(p => char.IsAsciiDigit(p[0]) && NamespaceOf(p) == world).ToArray();
            if (pids.Length == 0) break;
            Command.Try("kill", ["-9", .. pids]);
            Thread.Sleep(50);
        }

        System.IO.Directory.Delete(directory, recursive: true);
    }

    private static string? NamespaceOf(string pid)
    {
        try
        {
            return new FileInfo($"/proc/{pid}/ns/ipc").LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // gone meanwhile
        }
    }
}
