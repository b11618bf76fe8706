using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using CN2.Bench.Lab;
using CN2.Network.Overlay;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Overlay;
using Microsoft.Extensions.Logging.Abstractions;

namespace CN2.Bench.Scenarios;

/// <summary>
/// (f) The overlay's forwarder, one way at a time at full load, next to a loop that copies packets from one TUN device to another; then
/// TCP through both ends of a tunnel, next to the same two hosts without one. The node is this process, in the control namespace.
/// </summary>
internal sealed partial class OverlayForwarding(Report report, BenchOptions options)
{
    private const int Rounds = 3;
    private const string Node = "172.27.115.241";
    private const string Router = "172.27.115.60";
    private const string Pod = "10.77.1.2";
    private const string Client = "203.0.113.1";
    private const string Beyond = "198.51.100.1";
    private const int Vpn = 5;
    private const uint Label = 21;
    private const uint RouterLabel = 105;

    // Inner packets: the smallest that carry a transaction, and what fills an Ethernet frame with the tunnel around it.
    private static readonly int[] Sizes = [92, 1468];

    private TimeSpan Time => TimeSpan.FromSeconds(Math.Max(1, options.LoadTime.TotalSeconds / 2));

    public async Task RunAsync()
    {
        report.Heading("(f) The overlay");
        Prepare();
        using var pods = new NamespaceThread("vpn-pod");
        using var routers = new NamespaceThread("vpn-router");
        await using var engine = new OverlayEngine("bench", IPAddress.Parse(Node), OverlayChoice.Userspace, NullLogger<OverlayEngine>.Instance);
        await engine.ApplyAsync(Config(udp: true), null, CancellationToken.None);
        var control = "control";
        PrivateNetwork.Ip(control, "rule", "add", "pref", "13000", "iif", "vpn-pod", "to", Client, "lookup", $"{OverlayNumbers.RoutingTable(Vpn)}");
        await PacketsAsync(engine, pods, routers);
        await StreamsAsync(engine, pods, routers);
        await RoutesAsync(engine);
    }

    private async Task PacketsAsync(OverlayEngine engine, NamespaceThread pods, NamespaceThread routers)
    {
        using var copy = new TunCopy("ref0", "ref1");
        var control = "control";
        PrivateNetwork.Ip(control, "route", "add", $"{Beyond}/32", "dev", "ref0");
        PrivateNetwork.Ip(control, "route", "add", "default", "via", Router, "table", "77");
        PrivateNetwork.Ip(control, "rule", "add", "pref", "13001", "iif", "ref1", "lookup", "77");
        var results = Sizes.ToDictionary(size => size, _ => new Dictionary<string, List<Load>>());
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var size in Sizes)
            {
                var payload = new byte[size - 28];
                Add(size, "TUN to TUN", Measure(pods, Beyond, 9, payload, "tun copy", () => copy.Packets, "vpn-router"));
                foreach (var udp in (bool[])[true, false])
                {
                    await engine.ApplyAsync(Config(udp), null, CancellationToken.None);
                    Add(size, udp ? "out, MPLS-in-UDP" : "out, MPLS-in-GRE", Measure(pods, Client, 9, payload, "overlay out", () => engine.Counters.RoutingInstances[Vpn].PacketsOut, "vpn-router"));
                }

                await engine.ApplyAsync(Config(udp: true), null, CancellationToken.None);
                Add(size, "in, MPLS-in-UDP", Measure(routers, Node, 6635, Labelled(size), "overlay in", () => engine.Counters.RoutingInstances[Vpn].PacketsIn, "vpn-pod"));
            }
        }

        report.Table(["inner bytes", "path", "packets/s", "Mbit/s", "of the TUN copy loop", "CPU of the thread, µs a packet", "arrived"], Sizes.SelectMany(size =>
        {
            var reference = results[size]["TUN to TUN"].Median(l => l.Rate);
            return results[size].Select(path => new object[]
            {
                size, path.Key, path.Value.Median(l => l.Rate), path.Value.Median(l => l.Rate) * size * 8 / 1e6, path.Value.Median(l => l.Rate) / reference, path.Value.Median(l => l.Microseconds),
                path.Value.Median(l => l.Arrived),
            });
        }));
        report.Text($"Aim: at least 0.5 of the copy loop (one read and one write a packet, nothing looked at). Medians of {Rounds} rounds of {Time.TotalSeconds} s in turns. The sender outruns the forwarder; what does not fit its queue is dropped before it and not counted. CPU is that of the thread that forwards, what the kernel does for it included; \"arrived\" is the share of forwarded packets that the far end counted.");

        void Add(int size, string path, Load load)
        {
            if (!results[size].TryGetValue(path, out var loads)) results[size].Add(path, loads = []);
            loads.Add(load);
        }
    }

    /// <summary>Sends as fast as it goes for a while; what was forwarded, and what that cost the thread.</summary>
    private Load Measure(NamespaceThread senders, string address, int port, byte[] payload, string thread, Func<long> forwarded, string sink)
    {
        using var socket = senders.OpenSocket(AddressFamily.InterNetwork, SocketType.Dgram);
        socket.Connect(IPAddress.Parse(address), port);
        // The kernel cuts one long write into packets: the sender costs little of what the forwarder needs.
        socket.SetRawSocketOption(17, 103, BitConverter.GetBytes(payload.Length)); // UDP_SEGMENT
        var burst = Enumerable.Repeat(payload, Math.Min(32, 65000 / payload.Length)).SelectMany(b => b).ToArray();
        Send(TimeSpan.FromMilliseconds(300));
        var (packets, cpu, seen, watch) = (forwarded(), ThreadTime.Of(thread), Seen(sink), System.Diagnostics.Stopwatch.StartNew());
        Send(Time);
        var count = forwarded() - packets;
        return new Load(count / watch.Elapsed.TotalSeconds, (ThreadTime.Of(thread) - cpu).TotalMicroseconds / count, (Seen(sink) - seen) / (double)count);

        void Send(TimeSpan time)
        {
            for (var end = System.Diagnostics.Stopwatch.StartNew(); end.Elapsed < time;) socket.Send(burst);
        }
    }

    private static long Seen(string sink) =>
        long.Parse(Counter().Match(PrivateNetwork.Exec(sink, "nft", "list", "table", "inet", "sink")).Groups[1].Value, CultureInfo.InvariantCulture);

    private async Task StreamsAsync(OverlayEngine engine, NamespaceThread pods, NamespaceThread routers)
    {
        foreach (var sink in (string[])["vpn-pod", "vpn-router"]) PrivateNetwork.Exec(sink, "nft", "delete", "table", "inet", "sink");
        await engine.ApplyAsync(Config(udp: true), null, CancellationToken.None);
        var far = await routers.RunAsync(async () =>
        {
            var other = new OverlayEngine("far", IPAddress.Parse(Router), OverlayChoice.Userspace, NullLogger<OverlayEngine>.Instance);
            var config = new OverlayConfig { RoutingInstances = { [Vpn] = RouterLabel } };
            config.Routes[new VpnRouteKey(Vpn, IPNetwork.Parse($"{Pod}/32"))] = [new VpnPath(IPAddress.Parse(Node), Label, true, false)];
            await other.ApplyAsync(config, null, CancellationToken.None);
            return other;
        });
        await using var _ = far;
        PrivateNetwork.Ip("vpn-router", "addr", "add", $"{Client}/32", "dev", "far-5");
        PrivateNetwork.Ip("vpn-router", "route", "add", $"{Pod}/32", "dev", "far-5", "src", Client);
        PrivateNetwork.Ip("vpn-router", "addr", "add", $"{Beyond}/32", "dev", "eth0");
        var overlay = new List<double>();
        var underlay = new List<double>();
        PrivateNetwork.Ip("control", "route", "replace", $"{Beyond}/32", "via", Router);
        for (var round = 0; round < Rounds; round++)
        {
            overlay.Add(await StreamAsync(pods, routers, Client));
            PrivateNetwork.Ip("vpn-router", "route", "replace", $"{Pod}/32", "via", Node);
            underlay.Add(await StreamAsync(pods, routers, Beyond));
            PrivateNetwork.Ip("vpn-router", "route", "replace", $"{Pod}/32", "dev", "far-5", "src", Client);
        }

        report.Table(["TCP, one connection from an endpoint", "Mbit/s"],
        [
            ["routed, no tunnel", underlay.Median(r => r)],
            ["MPLS-in-UDP, a forwarder at each end, both on this machine", overlay.Median(r => r)],
        ]);
    }

    private async Task<double> StreamAsync(NamespaceThread pods, NamespaceThread routers, string address)
    {
        using var listener = routers.OpenSocket(AddressFamily.InterNetwork, SocketType.Stream);
        listener.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
        listener.Listen();
        using var socket = pods.OpenSocket(AddressFamily.InterNetwork, SocketType.Stream);
        await socket.ConnectAsync(listener.LocalEndPoint!);
        using var server = await listener.AcceptAsync();
        var received = 0L;
        var reader = Task.Run(() =>
        {
            var buffer = new byte[256 * 1024];
            while (server.Receive(buffer) is var read and > 0) Interlocked.Add(ref received, read);
        });
        var block = new byte[256 * 1024];
        var watch = System.Diagnostics.Stopwatch.StartNew();
        while (watch.Elapsed < Time) socket.Send(block);
        var rate = Interlocked.Read(ref received) * 8 / 1e6 / watch.Elapsed.TotalSeconds;
        socket.Shutdown(SocketShutdown.Send);
        await reader;
        return rate;
    }

    /// <summary>What a change of the imported routes costs, small and large.</summary>
    private async Task RoutesAsync(OverlayEngine engine)
    {
        var config = Config(udp: true);
        var paths = config.Routes.Values.First();
        await engine.ApplyAsync(config, null, CancellationToken.None);
        var many = new OverlayChange();
        for (var i = 0; i < 100_000; i++) many.Routes.Add(new VpnRouteKey(Vpn, new IPNetwork(new IPAddress([20, (byte)(i >> 12), (byte)(i >> 4), (byte)(i << 4)]), 28)));
        foreach (var key in many.Routes) config.Routes[key] = paths;
        var rows = new List<object[]> { new object[] { "100,000 routes come", await TimeAsync(many) } };
        var one = new OverlayChange { Routes = { new VpnRouteKey(Vpn, IPNetwork.Parse("192.0.2.0/24")) } };
        var (come, go) = (new List<double>(), new List<double>());
        for (var round = 0; round < 50; round++)
        {
            config.Routes[one.Routes.First()] = paths;
            come.Add(await TimeAsync(one));
            config.Routes.Remove(one.Routes.First());
            go.Add(await TimeAsync(one));
        }

        rows.Add(["one comes, 100,000 are there", come.Median(t => t)]);
        rows.Add(["one goes, 100,000 are there", go.Median(t => t)]);
        rows.Add(["all is compared with the kernel's (after somebody else's change)", await TimeAsync(null)]);
        foreach (var key in many.Routes) config.Routes.Remove(key);
        rows.Add(["100,000 routes go", await TimeAsync(many)]);
        report.Table(["imported routes: kernel and forwarder done", "ms"], rows);

        async Task<double> TimeAsync(OverlayChange? change)
        {
            var watch = System.Diagnostics.Stopwatch.StartNew();
            await engine.ApplyAsync(config, change, CancellationToken.None);
            return watch.Elapsed.TotalMilliseconds;
        }
    }

    private static void Prepare()
    {
        var control = "control";
        var router = PrivateNetwork.AddNode("vpn-router", 60);
        var pod = PrivateNetwork.AddNamespace("vpn-pod");
        PrivateNetwork.Wire(control, "vpn-pod", pod, "eth0");
        PrivateNetwork.Ip(control, "addr", "add", "10.77.1.1/30", "dev", "vpn-pod");
        PrivateNetwork.Ip(pod, "addr", "add", $"{Pod}/30", "dev", "eth0");
        PrivateNetwork.Ip(pod, "route", "add", "default", "via", "10.77.1.1");
        PrivateNetwork.Exec(control, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0");
        // The far ends count and drop.
        PrivateNetwork.Exec(router, "nft", $"table inet sink {{ chain arriving {{ type filter hook prerouting priority -400; ip daddr {Beyond} counter name arrived drop; ip saddr {Node} ip daddr {Router} counter name arrived drop; }}; counter arrived {{ }}; }}");
        PrivateNetwork.Exec(pod, "nft", "table inet sink { chain arriving { type filter hook prerouting priority -400; udp dport 9 counter name arrived drop; }; counter arrived { }; }");
    }

    private static OverlayConfig Config(bool udp)
    {
        var config = new OverlayConfig { RoutingInstances = { [Vpn] = Label } };
        config.Routes[new VpnRouteKey(Vpn, IPNetwork.Parse("203.0.113.0/24"))] = [new VpnPath(IPAddress.Parse(Router), RouterLabel, udp, !udp)];
        return config;
    }

    /// <summary>Label 21 and an inner UDP packet of this length from the client to the pod.</summary>
    private static byte[] Labelled(int size)
    {
        var packet = new byte[4 + size];
        Convert.FromHexString("00015140" + "4500" + size.ToString("x4", CultureInfo.InvariantCulture) + "0000000040110000").CopyTo(packet, 0);
        IPAddress.Parse(Client).GetAddressBytes().CopyTo(packet, 16);
        IPAddress.Parse(Pod).GetAddressBytes().CopyTo(packet, 20);
        Convert.FromHexString("c0010009" + (size - 20).ToString("x4", CultureInfo.InvariantCulture) + "0000").CopyTo(packet, 24);
        var checksum = VRouter.Overlay.Packets.InternetChecksum.Of(packet.AsSpan(4, 20));
        (packet[14], packet[15]) = ((byte)(checksum >> 8), (byte)checksum);
        return packet;
    }

    [GeneratedRegex("packets ([0-9]+)")]
    private static partial Regex Counter();

    private sealed record Load(double Rate, double Microseconds, double Arrived);
}
