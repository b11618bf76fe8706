using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using CN2.Api.Drivers.GoBgp;
using Microsoft.Extensions.Logging.Abstractions;

namespace CN2.Api.Tests.Drivers.GoBgp;

/// <summary>The station on loopback, with bytes that an engine sends and bytes that anybody sends.</summary>
public sealed class BmpStationTests : IAsyncDisposable
{
    private static readonly byte[] MaximumPrefixes = [.. Enumerable.Repeat((byte)0xFF, 16), 0, 21, 3, 6, 1];

    private readonly Ends _ends = new();
    private readonly BmpStation _station;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _run;

    public BmpStationTests()
    {
        _station = new(null, BmpStation.Listen, _ends, NullLogger.Instance);
        _run = _station.RunAsync(_stop.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run.WaitAsync(TimeSpan.FromSeconds(10), CancellationToken.None);
        _station.Dispose();
        _stop.Dispose();
    }

    [Fact]
    public async Task Says_which_NOTIFICATION_ended_a_session_and_which_side_sent_it()
    {
        using var engine = Connect();
        await engine.SendAsync((byte[])[
            .. Initiation(_station.Name), .. Message(3, Peer("10.0.0.1")), .. Message(0, new byte[900]), .. Message(1, []), .. Message(99, [1]),
            .. Message(2, [.. Peer("10.0.0.1"), 3, .. MaximumPrefixes]), .. Message(2, [.. Peer("2001:db8::1"), 1, .. MaximumPrefixes]),
            .. Message(2, [.. Peer("10.0.0.2"), 2, 0, 5]), .. Message(2, [.. Peer("10.0.0.3"), 4]), .. Message(2, [.. Peer("10.0.0.4"), 3]), .. Message(2, [.. Peer("10.0.0.5"), 1, 1, 2])]);
        await _ends.BecomeAsync([
            "heard", "10.0.0.1 up", "10.0.0.1 router Cease, Maximum Number of Prefixes Reached", "2001:db8::1 here Cease, Maximum Number of Prefixes Reached",
            "10.0.0.2 here", "10.0.0.3 here", "10.0.0.4 here covered", "10.0.0.5 here"]);
        engine.Dispose();
        await Eventually.TrueAsync(() => _ends.Last == "not heard", "gone", 10);
    }

    [Fact]
    public async Task A_message_that_comes_byte_by_byte_is_read()
    {
        using var engine = Connect();
        foreach (var one in (byte[])[.. Initiation(_station.Name), .. Message(2, [.. Peer("10.0.0.1"), 3, .. MaximumPrefixes])]) await engine.SendAsync((byte[])[one]);
        await _ends.BecomeAsync(["heard", "10.0.0.1 router Cease, Maximum Number of Prefixes Reached"]);
    }

    public static TheoryData<string, string> Hostile() => new()
    {
        { "another name", Convert.ToHexString(Initiation("cn2-guessed")) },
        { "no name", Convert.ToHexString(Message(4, [0, 1, 0, 1, 65])) },
        { "a name that is cut", Convert.ToHexString(Message(4, [0, 2, 255, 255, 65])) },
        { "no initiation", Convert.ToHexString(Message(2, [.. Peer("10.0.0.1"), 3, .. MaximumPrefixes])) },
        { "another version", Convert.ToHexString([1, .. Message(4, [])[1..]]) },
        { "HTTP", Convert.ToHexString("GET / HTTP/1.1\r\n\r\n"u8) },
        { "too long", "03FFFFFFFF04" },
        { "longer than a message may be", "030000400104" },
        { "shorter than its header", "030000000504" },
    };

    [Theory]
    [MemberData(nameof(Hostile))]
    public async Task Bytes_of_somebody_else_are_answered_by_closing(string what, string bytes)
    {
        using var stranger = Connect();
        await stranger.SendAsync(Convert.FromHexString(bytes));
        await ClosedAsync(stranger, what);
        Assert.Empty(_ends.All);
        await WorksAsync();
    }

    [Fact]
    public async Task Cut_messages_of_the_engine_end_its_connection_and_another_one_is_taken()
    {
        byte[][] broken = [Message(2, Peer("10.0.0.1")[..41]), Message(2, Peer("10.0.0.1")), Message(3, []), Message(5, [0, 1, 0, 2, 0, 0]), [3, 0, 1, 0, 0, 2]];
        foreach (var bytes in broken)
        {
            using var engine = Connect();
            await engine.SendAsync((byte[])[.. Initiation(_station.Name), .. bytes]);
            await ClosedAsync(engine, Convert.ToHexString(bytes));
        }
        await WorksAsync();
    }

    [Fact]
    public async Task Random_bytes_harm_nothing()
    {
        var random = new Random(7);
        for (var round = 0; round < 300; round++)
        {
            var bytes = new byte[random.Next(1, 400)];
            random.NextBytes(bytes);
            // Whole messages of any type, so that what is inside is read too.
            bytes = Message((byte)random.Next(0, 8), bytes);
            using var engine = Connect();
            await engine.SendAsync((byte[])[.. Initiation(_station.Name), .. bytes]);
        }
        await WorksAsync();
    }

    [Fact]
    public async Task Strangers_who_say_nothing_do_not_keep_the_engine_out_for_long()
    {
        var strangers = Enumerable.Range(0, 40).Select(_ => Connect()).ToList();
        await Eventually.TrueAsync(() => TryWorks(), "the engine gets in", 30);
        strangers.ForEach(s => s.Dispose());
    }

    [Fact]
    public async Task The_engines_new_connection_ends_its_former_one()
    {
        using var former = Connect();
        await former.SendAsync(Initiation(_station.Name));
        await Eventually.TrueAsync(() => _ends.Last == "heard", "heard", 10);
        using var now = Connect();
        await now.SendAsync(Initiation(_station.Name));
        await ClosedAsync(former, "former");
        await now.SendAsync(Message(3, Peer("10.0.0.9")));
        await Eventually.TrueAsync(() => _ends.Last == "10.0.0.9 up", "the new one is heard", 10);
        Assert.DoesNotContain("not heard", _ends.All);
    }

    private async Task WorksAsync() => await Eventually.TrueAsync(() => TryWorks(), "the engine is heard", 20);

    private bool TryWorks()
    {
        using var engine = Connect();
        try
        {
            engine.Send((byte[])[.. Initiation(_station.Name), .. Message(3, Peer("10.0.0.99"))]);
        }
        catch (SocketException)
        {
            return false;
        }
        for (var i = 0; i < 20; i++)
        {
            if (_ends.All.Contains("10.0.0.99 up")) return true;
            Thread.Sleep(10);
        }
        return false;
    }

    private static async Task ClosedAsync(Socket socket, string what)
    {
        using var limit = new CancellationTokenSource(Patience.Seconds(10));
        try
        {
            Assert.Equal(0, await socket.ReceiveAsync(new byte[1], limit.Token));
        }
        catch (SocketException)
        {
            // Reset: closed with bytes unread.
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"{what}: not closed");
        }
    }

    private Socket Connect()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(IPAddress.Parse("127.67.78.2"), _station.Port);
        return socket;
    }

    private static byte[] Initiation(string name) => Message(4, [0, 1, 0, 1, 65, 0, 2, 0, (byte)name.Length, .. Encoding.ASCII.GetBytes(name)]);

    private static byte[] Message(byte type, byte[] body)
    {
        byte[] message = [3, 0, 0, 0, 0, type, .. body];
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(1), message.Length);
        return message;
    }

    private static byte[] Peer(string text)
    {
        var address = IPAddress.Parse(text);
        var isV6 = address.AddressFamily == AddressFamily.InterNetworkV6;
        return [0, (byte)(isV6 ? 0x80 : 0), .. new byte[8], .. isV6 ? [] : new byte[12], .. address.GetAddressBytes(), 0, 0, 0xFC, 0, 10, 0, 0, 1, .. new byte[8]];
    }

    private sealed class Ends : ISessionEnds
    {
        private readonly List<string> _all = [];

        public IReadOnlyList<string> All
        {
            get
            {
                lock (_all) return [.. _all];
            }
        }

        public string? Last => All.Count == 0 ? null : All[^1];

        public Task BecomeAsync(string[] expected) => Eventually.TrueAsync(() => All.SequenceEqual(expected), string.Join("; ", expected), 10, () => string.Join("; ", All));

        public void Hears(bool hears) => Add(hears ? "heard" : "not heard");

        public bool Note(string address, SessionEnd? end)
        {
            Add(end is null ? $"{address} up" : $"{address} {(end.ByRouter ? "router" : "here")}{(end.IsCovered ? " covered" : "")} {end.Notification?.Words}".TrimEnd());
            return false;
        }

        private void Add(string line)
        {
            lock (_all) _all.Add(line);
        }
    }
}
