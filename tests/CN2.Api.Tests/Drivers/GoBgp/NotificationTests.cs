using CN2.Api.Drivers.GoBgp;
using CN2.Api.Tests.Drivers.GoBgp.Lab;
using static CN2.Api.Tests.Drivers.GoBgp.Spec;

namespace CN2.Api.Tests.Drivers.GoBgp;

/// <summary>Why a session ended, in words, with a real gobgpd and a real FRR.</summary>
public sealed class NotificationTests : IDisposable
{
    private readonly BgpLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_router_that_has_enough_says_so_and_one_that_is_shut_down_says_why(bool gracefulRestart)
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var frr = _lab.Frr("vmx1", 245, Asn, FrrNeighbor(extra: "address-family ipv4 unicast\n neighbor 172.27.115.241 maximum-prefix 2\n exit-address-family\n"));
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([Path("100.0.0.4", "172.27.115.242")], Token);
        await speaker.SetPeersAsync([Peer("vmx1", 245, change: p => p with { GracefulRestart = gracefulRestart })], Token);
        await speaker.EstablishedAsync("vmx1");
        Assert.Null(speaker.Session("vmx1").LastError);

        frr.Change("clear bgp *");
        await SaysAsync(speaker, "The router closed the session: Cease, Administrative Reset.");
        await speaker.EstablishedAsync("vmx1", 60);
        Assert.Null(speaker.Session("vmx1").LastError);

        frr.Change("configure terminal\nrouter bgp 64512\nneighbor 172.27.115.241 shutdown message back at 10 \u00fcber");
        await SaysAsync(speaker, "The router closed the session: Cease, Administrative Shutdown (\"back at 10 \u00fcber\").");
        frr.Change("configure terminal\nrouter bgp 64512\nno neighbor 172.27.115.241 shutdown");
        await speaker.EstablishedAsync("vmx1", 60);

        await speaker.SetPathsAsync([.. Enumerable.Range(4, 5).Select(n => Path($"100.0.0.{n}", "172.27.115.242"))], Token);
        await SaysAsync(speaker, "The router closed the session: Cease, Maximum Number of Prefixes Reached. Raise its limit or set maxAdvertised.");
        // It stays said, whatever the router does with further attempts, until the session is up.
        await Eventually.StaysAsync(() => speaker.Session("vmx1").LastError?.Contains("Maximum Number of Prefixes", StringComparison.Ordinal) == true, "said", TimeSpan.FromSeconds(8));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_router_that_hangs_is_closed_because_the_hold_time_ran_out(bool gracefulRestart)
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var frr = _lab.Frr("vmx1", 245, Asn, FrrNeighbor());
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([Path("100.0.0.4", "172.27.115.242")], Token);
        await speaker.SetPeersAsync([Peer("vmx1", 245, change: p => p with { HoldTime = 3, GracefulRestart = gracefulRestart, RestartTime = 5 })], Token);
        await speaker.EstablishedAsync("vmx1");
        frr.FreezeBgpd();
        await SaysAsync(speaker, "This control node closed the session: Hold Timer Expired. Nothing came from 172.27.115.245 for the hold time: is the router alive, and the path to it?");
        frr.ThawBgpd();
        await speaker.EstablishedAsync("vmx1", 60);
        Assert.Null(speaker.Session("vmx1").LastError);

        // A connection that only breaks is no NOTIFICATION.
        Command.Run("ip", "netns", "exec", frr.Namespace, "ss", "-K", "dst", "172.27.115.241");
        Command.Run("ip", "netns", "exec", engine.Namespace, "ss", "-K", "dst", "172.27.115.245");
        await SaysAsync(speaker, "The session was lost.");
    }

    [Fact]
    public async Task A_router_with_another_AS_number_is_named_as_such()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        _lab.Frr("vmx1", 245, 65001, FrrNeighbor());
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([], Token);
        await speaker.SetPeersAsync([Peer("vmx1", 245, 65002)], Token);
        await Eventually.TrueAsync(() => speaker.Session("vmx1").LastError?.Contains("Open Message Error, Bad Peer AS", StringComparison.Ordinal) == true, "named", 40,
            () => string.Join(";", speaker.Sessions));
        await speaker.SetPeersAsync([Peer("vmx1", 245, 65001)], Token);
        await speaker.EstablishedAsync("vmx1", 40);
        Assert.Null(speaker.Session("vmx1").LastError);
    }

    [Fact]
    public async Task The_station_is_told_to_a_restarted_engine_and_an_old_one_is_taken_away()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var frr = _lab.Frr("vmx1", 245, Asn, FrrNeighbor());
        await using (var former = Speaker(engine))
        {
            await former.StartAsync(Token);
            await former.SetPathsAsync([], Token);
            await former.SetPeersAsync([Peer("vmx1", 245)], Token);
            await former.EstablishedAsync("vmx1");
            Assert.Single(await StationsAsync());
        }
        // Somebody else's station is left alone.
        await engine.ByHand.AddBmpAsync(new() { Address = "127.0.0.1", Port = 11019 }, cancellationToken: Token);
        var left = await StationsAsync();
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([], Token);
        await speaker.SetPeersAsync([Peer("vmx1", 245)], Token);
        await speaker.EstablishedAsync("vmx1");
        var now = await StationsAsync();
        Assert.Equal((2, 2, 1), (left.Count, now.Count, left.Intersect(now).Count()));
        frr.Change("clear bgp *");
        await SaysAsync(speaker, "The router closed the session: Cease, Administrative Reset.");

        engine.Kill();
        await Eventually.TrueAsync(() => !speaker.Healthy, "unhealthy", 10);
        engine.Start();
        await speaker.EstablishedAsync("vmx1", 60);
        Assert.Equal(now.Except(left), await StationsAsync());
        frr.Change("clear bgp *");
        await SaysAsync(speaker, "The router closed the session: Cease, Administrative Reset.");

        async Task<List<string>> StationsAsync()
        {
            using var call = engine.ByHand.ListBmp(new(), cancellationToken: Token);
            var stations = new List<string>();
            while (await call.ResponseStream.MoveNext(Token)) stations.Add($"{call.ResponseStream.Current.Station.Conf.Address} {call.ResponseStream.Current.Station.Conf.Port}");
            return stations;
        }
    }

    [Fact]
    public async Task The_engine_sends_the_station_no_routes_however_many_it_has()
    {
        const int Count = 100_000;
        var engine = _lab.Keep(new GoBgpd(_lab));
        _lab.Frr("vmx1", 245, Asn, FrrNeighbor());
        using var listener = engine.Listen(System.Net.IPAddress.Loopback);
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        // As the station asks the engine, but to bytes that can be counted.
        await engine.ByHand.AddBmpAsync(new()
        {
            Address = "127.0.0.1",
            Port = (uint)((System.Net.IPEndPoint)listener.LocalEndPoint!).Port,
            Policy = CN2.Api.Drivers.GoBgp.Wire.AddBmpRequest.Types.MonitoringPolicy.Obsolete,
        }, cancellationToken: Token);
        using var socket = await listener.AcceptAsync(Token);
        var bytes = 0;
        var types = new HashSet<byte>();
        var reading = Task.Run(async () =>
        {
            await using var stream = new System.Net.Sockets.NetworkStream(socket);
            var header = new byte[6];
            try
            {
                while (true)
                {
                    await stream.ReadExactlyAsync(header);
                    var body = new byte[System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(1)) - 6];
                    await stream.ReadExactlyAsync(body);
                    lock (types) types.Add(header[5]);
                    Interlocked.Add(ref bytes, body.Length + 6);
                }
            }
            catch (IOException)
            {
                // The test is over.
            }
        }, Token);
        await speaker.SetPathsAsync([.. Enumerable.Range(0, Count).Select(n => Path($"100.{n >> 16}.{(n >> 8) & 255}.{n & 255}", "172.27.115.242"))], Token);
        await speaker.SetPeersAsync([Peer("vmx1", 245)], Token);
        await Eventually.TrueAsync(() => speaker.Session("vmx1").Advertised == Count, "advertised", 120);
        await speaker.ChangePathsAsync([Path("100.9.0.1", "172.27.115.243")], [Key("100.0.0.1", "172.27.115.242")], Token);
        await Eventually.TrueAsync(() => Volatile.Read(ref bytes) > 0 && types.Contains(BmpMessage.PeerUp), "the session is reported", 10);
        lock (types) Assert.True(types.SetEquals([BmpMessage.Initiation, BmpMessage.PeerUp]), string.Join(", ", types));
        Assert.InRange(Volatile.Read(ref bytes), 1, 2000);
        TestContext.Current.TestOutputHelper!.WriteLine(File.ReadAllText($"/proc/{engine.Id}/status").Split('\n').First(l => l.StartsWith("VmRSS", StringComparison.Ordinal)) + $", {bytes} bytes of BMP");
        socket.Dispose();
        await reading;
    }

    private static Task SaysAsync(GoBgpSpeaker speaker, string error) => Eventually.TrueAsync(() => speaker.Session("vmx1").LastError == error, error, 30,
        () => string.Join(";", speaker.Sessions));
}
