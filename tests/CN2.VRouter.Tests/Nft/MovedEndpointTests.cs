using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using CN2.Network.Resources;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Tests.Lab;

namespace CN2.VRouter.Tests.Nft;

/// <summary>A VM that moves to another node with its connections: they go on there, and nothing leaves with the VM's own address.</summary>
public sealed class MovedEndpointTests(ITestOutputHelper output)
{
    public static TheoryData<bool, bool> Kinds => new() { { false, false }, { true, false }, { false, true }, { true, true } };

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Idle_connections_go_on_whoever_speaks_first(bool v6, bool oneToOne)
    {
        await using var lab = new TwoNodeLab();
        await AtAAsync(lab, v6, oneToOne);
        using var first = await OpenAsync(lab, v6, oneToOne);
        using var second = await OpenAsync(lab, v6, oneToOne);
        using var leaked = Leaked(lab, v6);
        await MoveAsync(lab, v6, oneToOne);

        Assert.True(await first.ServerSpeaksAsync());
        Assert.True(await first.ClientSpeaksAsync());
        Assert.True(await second.ClientSpeaksAsync());
        Assert.True(await second.ServerSpeaksAsync());
        Assert.Equal(0, leaked.Packets);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_download_goes_on_there_and_back(bool v6, bool oneToOne)
    {
        await using var lab = new TwoNodeLab();
        await AtAAsync(lab, v6, oneToOne);
        using var session = await OpenAsync(lab, v6, oneToOne);
        using var leaked = Leaked(lab, v6);
        using var end = new CancellationTokenSource(Patience.Seconds(30));
        var sending = SendAsync(session.Server, end.Token);
        var (received, longest) = (0L, TimeSpan.Zero);
        var receiving = Task.Run(
            async () =>
            {
                var buffer = new byte[64 * 1024];
                var last = Stopwatch.GetTimestamp();
                while (await session.Client.ReceiveAsync(buffer, end.Token) is var read and > 0)
                {
                    var gap = Stopwatch.GetElapsedTime(last);
                    last = Stopwatch.GetTimestamp();
                    if (gap > longest) longest = gap;
                    for (var i = 0; i < read; i++) Assert.Equal(Octet(received + i), buffer[i]);
                    Interlocked.Add(ref received, read);
                }
            },
            end.Token);
        await ReachesAsync(100_000);
        var before = longest;
        await MoveAsync(lab, v6, oneToOne);
        await ReachesAsync(Interlocked.Read(ref received) + 200_000);
        var there = longest;
        await MoveBackAsync(lab, v6, oneToOne);
        await ReachesAsync(Interlocked.Read(ref received) + 200_000);
        await end.CancelAsync();
        await Task.WhenAll(sending, receiving).ContinueWith(_ => { }, TaskScheduler.Default);

        output.WriteLine($"longest time without data: {before.TotalMilliseconds:0} ms before the move, {there.TotalMilliseconds:0} ms with it, {longest.TotalMilliseconds:0} ms with the way back too; the pause is {TwoNodeLab.Pause.TotalMilliseconds:0} ms");
        Assert.Equal(0, leaked.Packets);
        Assert.InRange(longest, TimeSpan.Zero, Patience.Seconds(5));

        Task ReachesAsync(long count) => Eventually.TrueAsync(
            () => receiving.IsCompleted ? throw new InvalidOperationException($"The download ended: {receiving.Exception}") : Interlocked.Read(ref received) >= count,
            "the download goes on",
            seen: () => $"{received} bytes");
    }

    [Fact]
    public async Task Connections_that_the_endpoint_began_itself_go_on_too()
    {
        await using var lab = new TwoNodeLab();
        await AtAAsync(lab, v6: false, oneToOne: true);
        // By its own address: the endpoint is the client.
        using var own = await TcpSession.OpenAsync(lab.VmHost, lab.ClientHost, IPEndPoint.Parse($"{TwoNodeLab.Client}:90"), 90);
        await MoveAsync(lab, v6: false, oneToOne: true);
        Assert.True(await own.ClientSpeaksAsync());
        Assert.True(await own.ServerSpeaksAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_the_endpoint_sent_before_its_entry_was_there_does_not_keep_the_client_out(bool oneToOne)
    {
        await using var lab = new TwoNodeLab();
        await AtAAsync(lab, v6: false, oneToOne);
        using var session = await OpenAsync(lab, v6: false, oneToOne);
        // The client's host has no answer to the endpoint's own address: a reset would end the connection.
        lab.Router.Ip($"route add blackhole {TwoNodeLab.Client}/32");
        await lab.MoveAsync(lab.A, lab.B);
        var speaks = session.ServerSpeaksAsync(20);
        await Eventually.TrueAsync(() => Strays() > 0, "a flow of the endpoint's own address");
        await AtBAsync(lab, v6: false, oneToOne);
        Assert.Equal(0, Strays());
        lab.Route(lab.B);
        lab.Router.Ip($"route del blackhole {TwoNodeLab.Client}/32");
        Assert.True(await speaks);
        Assert.True(await session.ClientSpeaksAsync());

        int Strays() => lab.B.Home.Exec("conntrack", "-L", "-p", "tcp", "--orig-src", TwoNodeLab.Vm).Split("[UNREPLIED]").Length - 1;
    }

    private static PacketCount Leaked(TwoNodeLab lab, bool v6) => new(lab.ClientHost, "input", v6 ? $"ip6 saddr {TwoNodeLab.Vm6}" : $"ip saddr {TwoNodeLab.Vm}");

    private static Task<TcpSession> OpenAsync(TwoNodeLab lab, bool v6, bool oneToOne) => TcpSession.OpenAsync(
        lab.ClientHost, lab.VmHost, new IPEndPoint(IPAddress.Parse(v6 ? TwoNodeLab.FloatingIP6 : TwoNodeLab.FloatingIP), oneToOne ? 90 : 8080), 90);

    private static Task AtAAsync(TwoNodeLab lab, bool v6, bool oneToOne) => ServedByAsync(lab.A, lab.B, v6, oneToOne);

    private static Task AtBAsync(TwoNodeLab lab, bool v6, bool oneToOne) => ServedByAsync(lab.B, lab.A, v6, oneToOne);

    /// <summary>As a server has it: the entry where the endpoint is, and one for callers inside at the other node.</summary>
    private static async Task ServedByAsync(TwoNodeLab.Node here, TwoNodeLab.Node other, bool v6, bool oneToOne)
    {
        var (address, endpoint) = v6 ? (TwoNodeLab.FloatingIP6, $"[{TwoNodeLab.Vm6}]") : (TwoNodeLab.FloatingIP, TwoNodeLab.Vm);
        DataplaneNatEntry Entry(string suffix) => oneToOne
            ? Configs.OneToOne(address, $"{endpoint}:0{suffix}")
            : Configs.NatEntry(address, TransportProtocol.TCP, 8080, $"{endpoint}:90{suffix}") with { RefusesOthers = suffix.Length == 0 };
        await here.ApplyAsync(Entry(""));
        await other.ApplyAsync(Entry("@") with { InsideOnly = true });
    }

    /// <summary>To node B. Make before break: the entry at the new node, then the VM, then the route.</summary>
    private static async Task MoveAsync(TwoNodeLab lab, bool v6, bool oneToOne)
    {
        await AtBAsync(lab, v6, oneToOne);
        await lab.MoveAsync(lab.A, lab.B);
        lab.Route(lab.B);
    }

    private static async Task MoveBackAsync(TwoNodeLab lab, bool v6, bool oneToOne)
    {
        await AtAAsync(lab, v6, oneToOne);
        await lab.MoveAsync(lab.B, lab.A);
        lab.Route(lab.A);
    }

    private static async Task SendAsync(Socket socket, CancellationToken cancellation)
    {
        var buffer = new byte[1400];
        for (var sent = 0L; ; sent += buffer.Length)
        {
            for (var i = 0; i < buffer.Length; i++) buffer[i] = Octet(sent + i);
            for (var at = 0; at < buffer.Length;) at += await socket.SendAsync(buffer.AsMemory(at), cancellation);
            await Task.Delay(2, cancellation);
        }
    }

    private static byte Octet(long position) => (byte)(position % 251);
}
