using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace CN2.Testing;

/// <summary>A real FRR (zebra and bgpd) in a network namespace.</summary>
public sealed class FrrRouter : IDisposable
{
    private readonly string _directory;
    private readonly RunningProcess _zebra;
    private readonly RunningProcess _bgpd;

    /// <param name="ns">Name of the namespace.</param>
    /// <param name="directory">Made for its configuration, sockets and logs; users other than root must be able to enter its parents.</param>
    /// <param name="configuration">bgpd's configuration.</param>
    public FrrRouter(string ns, string directory, string configuration)
    {
        Namespace = ns;
        _directory = directory;
        Directory.CreateDirectory(directory);
        var socket = Path.Combine(directory, "zserv.api");
        File.WriteAllText(Path.Combine(directory, "zebra.conf"), "");
        File.WriteAllText(Path.Combine(directory, "bgpd.conf"), configuration);
        Command.Run("chown", "-R", "frr:frr", directory);
        _zebra = Launch("zebra", socket);
        Eventually.True(() => File.Exists(socket), "zebra's socket", 10, () => _zebra.Output);
        _bgpd = Launch("bgpd", socket);
    }

    public string Namespace { get; }

    /// <summary>bgpd's log, over all its lives.</summary>
    public string Log => _bgpd.Output;

    public void StopBgpd() => _bgpd.Kill();

    public void StartBgpd() => _bgpd.Start();

    /// <summary>bgpd hangs: its connections stay open, and it neither reads nor writes.</summary>
    public void FreezeBgpd() => _bgpd.Signal("STOP");

    public void ThawBgpd() => _bgpd.Signal("CONT");

    /// <summary>Commands of vtysh, one in a line, that change something: <c>configure terminal</c>, <c>clear</c>.</summary>
    public void Change(string commands) => Command.Try("vtysh", "--vty_socket", _directory, "-c", commands);

    /// <summary>What bgpd prints for a <c>show</c> command; nothing when it does not answer. It is asked as vtysh does it, which costs far less than to start vtysh each time.</summary>
    public string Show(string command)
    {
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 10_000, SendTimeout = 10_000 };
            socket.Connect(new UnixDomainSocketEndPoint(Path.Combine(_directory, "bgpd.vty")));
            socket.Send(Encoding.ASCII.GetBytes(command + "\0"));
            var answer = new List<byte>();
            var buffer = new byte[64 * 1024];
            // The text, three zero octets and the status of the command.
            while (answer.Count < 4 || answer[^2] != 0 || answer[^3] != 0 || answer[^4] != 0)
            {
                if (socket.Receive(buffer) is not (> 0 and var read)) return "";
                answer.AddRange(buffer.AsSpan(0, read));
            }

            return Encoding.UTF8.GetString([.. answer[..^4]]);
        }
        catch (SocketException)
        {
            return "";
        }
    }

    /// <summary>The paths FRR has for a prefix, as its JSON gives them; empty if it has none.</summary>
    public List<JsonElement> Paths(string prefix) =>
        ShowJson($"show bgp {Family(prefix)} unicast {prefix} json") is { } answer && answer.TryGetProperty("paths", out var paths) ? [.. paths.EnumerateArray()] : [];

    /// <summary>The VPN paths FRR has for a prefix, by route distinguisher; empty if it has none.</summary>
    public Dictionary<string, JsonElement> VpnPaths(string prefix)
    {
        var paths = new Dictionary<string, JsonElement>();
        if (ShowJson($"show bgp {Family(prefix)} vpn {prefix} json") is not { } answer) return paths;
        foreach (var distinguisher in answer.EnumerateObject())
            if (distinguisher.Value.ValueKind == JsonValueKind.Object && distinguisher.Value.TryGetProperty("paths", out var found))
                paths[distinguisher.Name] = found[0];
        return paths;
    }

    /// <summary>How many vpnv4 routes FRR has, stale ones too.</summary>
    public int VpnCount()
    {
        var text = Show("show bgp ipv4 vpn");
        var last = text.LastIndexOf("Displayed", StringComparison.Ordinal);
        return last < 0 ? 0 : int.Parse(text[(last + 9)..].TrimStart().Split(' ')[0], CultureInfo.InvariantCulture);
    }

    public List<string> NextHops(string prefix) =>
        [.. Paths(prefix).Select(p => p.GetProperty("nexthops")[0].GetProperty("ip").GetString()!).Order(StringComparer.Ordinal)];

    /// <summary>The kernel's route, as <c>ip route show</c> prints it.</summary>
    public string Kernel(string prefix) => Command.Run("ip", ["-n", Namespace, .. (string[])(IsV6(prefix) ? ["-6"] : []), "route", "show", prefix]);

    /// <summary>How often the session to this neighbour has been Established, and whether it is Established now and its IPv4 End-of-RIB has come.</summary>
    public (int Established, bool Complete) Session(string neighbor)
    {
        if (ShowJson($"show bgp neighbors {neighbor} json") is not { } answer || !answer.TryGetProperty(neighbor, out var peer)) return (0, false);
        var established = peer.TryGetProperty("connectionsEstablished", out var count) ? count.GetInt32() : 0;
        var complete = peer.GetProperty("bgpState").GetString() == "Established"
            && peer.TryGetProperty("gracefulRestartInfo", out var restart) && restart.TryGetProperty("endOfRibRecv", out var end)
            && end.TryGetProperty("ipv4Unicast", out var v4) && v4.GetBoolean();
        return (established, complete);
    }

    public void Dispose()
    {
        _bgpd.Dispose();
        _zebra.Dispose();
    }

    private RunningProcess Launch(string daemon, string socket) => new("ip",
        ["netns", "exec", Namespace, $"/usr/lib/frr/{daemon}", "--vty_socket", _directory, "-z", socket, "-P", "0", "--log", "stdout",
         "-i", Path.Combine(_directory, $"{daemon}.pid"), "-f", Path.Combine(_directory, $"{daemon}.conf")],
        Path.Combine(_directory, $"{daemon}.log"));

    private JsonElement? ShowJson(string command)
    {
        var text = Show(command);
        if (!text.TrimStart().StartsWith('{')) return null;
        using var document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }

    private static string Family(string prefix) => IsV6(prefix) ? "ipv6" : "ipv4";

    private static bool IsV6(string prefix) => prefix.Contains(':', StringComparison.Ordinal);
}
