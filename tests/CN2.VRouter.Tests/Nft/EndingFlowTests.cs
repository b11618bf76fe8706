using System.Net;
using System.Net.Sockets;
using CN2.Network.Collections;
using CN2.Network.Resources;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Nft;
using CN2.VRouter.Tests.Lab;
using Microsoft.Extensions.Logging.Abstractions;

namespace CN2.VRouter.Tests.Nft;

/// <summary>Flows that must end, end (docs/contract.md §5), and no others.</summary>
public sealed class EndingFlowTests : IClassFixture<NodeLab>, IAsyncLifetime
{
    private const string FloatingIP = "100.0.0.4";
    private const string FloatingIP6 = "2001:db8::4";

    private readonly NodeLab _lab;
    private readonly NftDataplane _dataplane;

    public EndingFlowTests(NodeLab lab)
    {
        _lab = lab;
        var options = new NftOptions("cn2", IPAddress.Parse(NodeLab.NodeAddress), IPAddress.Parse(NodeLab.NodeAddress6));
        _dataplane = lab.Node.Run(() => new NftDataplane(options, NullLogger<NftDataplane>.Instance));
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _dataplane.DisposeAsync();
        await _lab.Node.RunAsync(() => NftDataplane.FlushAsync("cn2"));
        _lab.Node.Exec("conntrack", "-F");
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task Connections_that_are_being_opened_to_an_endpoint_that_goes_out_start_over_at_another(bool v6, bool drains)
    {
        var (floatingIP, pod1, pod2) = v6 ? (FloatingIP6, "[fd00:1:1::2]:80", "[fd00:1:2::2]:80") : (FloatingIP, "10.1.1.2:80", "10.1.2.2:80");
        var both = Configs.NatEntry(floatingIP, TransportProtocol.TCP, 8080, pod1, pod2);
        await ApplyAsync(both);
        _lab.PodHost2.ExecWith("table inet deaf { chain c { type filter hook input priority 0; tcp dport 80 drop; }; }", "nft", "-f", "-");
        var sockets = new List<Socket>();
        try
        {
            var connects = new List<Task>();
            for (var i = 0; i < 24; i++)
            {
                var socket = _lab.ClientHost.Run(() => new Socket(SocketType.Stream, ProtocolType.Tcp));
                sockets.Add(socket);
                connects.Add(socket.ConnectAsync(new IPEndPoint(IPAddress.Parse(floatingIP), 8080), Cancellation).AsTask());
            }

            // Those at the endpoint that answers are open at once; each of the others has sent its first packet in vain.
            await Eventually.TrueAsync(() => connects.Exists(c => c.IsCompletedSuccessfully) && Unanswered() == connects.Count(c => !c.IsCompleted) && Unanswered() > 0, seconds: 10);
            await ApplyAsync(both with { Backends = Configs.Backends(pod1), Draining = drains ? Configs.Backends(pod2) : [] });
            await Task.WhenAll(connects).WaitAsync(Patience.Seconds(3), Cancellation);
        }
        finally
        {
            sockets.ForEach(s => s.Dispose());
            _lab.PodHost2.Exec("nft", "delete", "table", "inet", "deaf");
        }

        int Unanswered() => _lab.Node.Exec("conntrack", "-L", "-p", "tcp", "--orig-dst", floatingIP, "-f", v6 ? "ipv6" : "ipv4").Split("[UNREPLIED]").Length - 1;
    }

    [Theory]
    [InlineData(ProtocolType.Tcp, false)]
    [InlineData(ProtocolType.Tcp, true)]
    [InlineData(ProtocolType.Udp, false)]
    [InlineData(ProtocolType.Udp, true)]
    public async Task Narrowed_source_ranges_end_the_flows_of_those_who_are_out_and_of_nobody_else(ProtocolType protocol, bool v6)
    {
        var transport = protocol == ProtocolType.Tcp ? TransportProtocol.TCP : TransportProtocol.UDP;
        var entry = v6 ? Configs.NatEntry(FloatingIP6, transport, 8080, "[fd00:1:1::2]:80") : Configs.NatEntry(FloatingIP, transport, 8080, "10.1.1.2:80");
        var address = v6 ? FloatingIP6 : FloatingIP;
        await ApplyAsync(entry with { SourceRanges = Configs.Ranges(v6 ? "::/0" : "192.0.2.0/24") });
        using var stays = (await EchoClient.OpenAsync(_lab.ClientHost, protocol, address, 8080, v6 ? "[fd00:c::2]:0" : NodeLab.Client))!;
        using var ends = (await EchoClient.OpenAsync(v6 ? _lab.PodHost2 : _lab.ClientHost, protocol, address, 8080, v6 ? null : NodeLab.OtherClient))!;
        await ApplyAsync(entry with { SourceRanges = Configs.Ranges(v6 ? "fd00:c::/64" : NodeLab.Client + "/32") });
        Assert.True(await CarriesAsync(stays, protocol));
        await EndsAsync(ends, protocol);
    }

    [Theory]
    [InlineData(ProtocolType.Tcp, false, false)]
    [InlineData(ProtocolType.Tcp, false, true)]
    [InlineData(ProtocolType.Tcp, true, false)]
    [InlineData(ProtocolType.Tcp, true, true)]
    [InlineData(ProtocolType.Udp, false, false)]
    [InlineData(ProtocolType.Udp, true, true)]
    public async Task Flows_through_a_FloatingIP_end_when_it_is_detached_or_attached_to_somebody_else(ProtocolType protocol, bool v6, bool toAnother)
    {
        var (address, pod1, pod2) = v6 ? (FloatingIP6, "[fd00:1:1::2]:0", "[fd00:1:2::2]:0") : (FloatingIP, "10.1.1.2:0", "10.1.2.2:0");
        var config = Attached(Configs.Config(Configs.OneToOne(address, pod1)), address, pod1);
        await ApplyAsync(config);
        using var client = (await EchoClient.OpenAsync(_lab.ClientHost, protocol, address, 80))!;
        await ApplyAsync(config); // told again, as with a new connection to a server
        Assert.True(await CarriesAsync(client, protocol));

        // The attachment changes first, and the entries when the route is gone.
        await ApplyAsync(Attached(Configs.Config(Configs.OneToOne(address, pod1)), address, [.. toAnother ? [pod2] : Array.Empty<string>()]));
        await ApplyAsync(Attached(toAnother ? Configs.Config(Configs.OneToOne(address, pod2)) : Configs.Config().With(address), address, [.. toAnother ? [pod2] : Array.Empty<string>()]));
        if (protocol == ProtocolType.Tcp) await EndsAsync(client, protocol);
        else await Eventually.TrueAsync(async () => (await client.AskAsync())?.Endpoint == (toAnother ? "pod2" : null), "the flow goes elsewhere");
    }

    [Fact]
    public async Task Flows_through_a_FloatingIP_end_when_another_Service_holds_it_and_not_when_its_own_endpoints_change()
    {
        var place = new FloatingIPPlace(0, IPAddress.Parse(FloatingIP));
        var entry = Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80");
        var (first, second) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await ApplyAsync(HeldBy(entry, first));
        using var client = (await EchoClient.OpenAsync(_lab.ClientHost, ProtocolType.Tcp, FloatingIP, 8080))!;
        await ApplyAsync(HeldBy(entry with { Backends = Configs.Backends("10.1.2.2:80") }, first));
        Assert.True(await client.EchoesAsync());
        await ApplyAsync(HeldBy(entry with { Backends = Configs.Backends("10.1.2.2:80") }, second));
        await EndsAsync(client, ProtocolType.Tcp);

        DataplaneConfig HeldBy(DataplaneNatEntry natEntry, Guid service)
        {
            var config = Configs.Config(natEntry);
            config.Attachments[place] = new FloatingIPAttachment(service, []);
            return config;
        }
    }

    [Fact]
    public async Task Flows_to_an_endpoint_end_when_another_interface_has_its_address_and_others_go_on()
    {
        var entry = Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80");
        await ApplyAsync(Holding(entry, Guid.CreateVersion7()));
        using var client = (await EchoClient.OpenAsync(_lab.ClientHost, ProtocolType.Tcp, FloatingIP, 8080))!;
        await ApplyAsync(entry with { Backends = Configs.Backends("10.1.2.2:80") });
        using var other = (await EchoClient.OpenAsync(_lab.ClientHost, ProtocolType.Tcp, FloatingIP, 8080))!;
        Assert.True(await client.EchoesAsync());
        await ApplyAsync(Holding(entry with { Backends = Configs.Backends("10.1.2.2:80") }, Guid.CreateVersion7()));
        await EndsAsync(client, ProtocolType.Tcp);
        Assert.True(await other.EchoesAsync());

        static DataplaneConfig Holding(DataplaneNatEntry natEntry, Guid holder)
        {
            var config = Configs.Config(natEntry);
            config.EndpointHolders[IPAddress.Parse("10.1.1.2")] = holder;
            return config;
        }
    }

    [Fact]
    public async Task Established_connections_to_an_endpoint_that_drains_or_goes_out_go_on()
    {
        var both = Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80", "10.1.2.2:80");
        await ApplyAsync(both with { Backends = Configs.Backends("10.1.2.2:80") });
        using var client = (await EchoClient.OpenAsync(_lab.ClientHost, ProtocolType.Tcp, FloatingIP, 8080))!;
        await ApplyAsync(both with { Backends = Configs.Backends("10.1.1.2:80"), Draining = Configs.Backends("10.1.2.2:80") });
        Assert.True(await client.EchoesAsync());
        await ApplyAsync(both with { Backends = Configs.Backends("10.1.1.2:80") });
        Assert.True(await client.EchoesAsync());
        var nobody = Configs.Config().With(FloatingIP);
        await ApplyAsync(nobody);
        Assert.True(await client.EchoesAsync());
    }

    private static DataplaneConfig Attached(DataplaneConfig config, string address, params string[] endpoints)
    {
        config.Attachments[new FloatingIPPlace(0, IPAddress.Parse(address))] = new FloatingIPAttachment(null, endpoints.Select(e => IPEndPoint.Parse(e).Address).ToEquatableList());
        return config;
    }

    /// <summary>Where a look at the flows takes long, as on a busy machine, they end up to two seconds after the change.</summary>
    private static Task EndsAsync(EchoClient client, ProtocolType protocol) => Eventually.TrueAsync(async () => !await CarriesAsync(client, protocol), "the flow ends");

    private static async Task<bool> CarriesAsync(EchoClient client, ProtocolType protocol) =>
        protocol == ProtocolType.Tcp ? await client.EchoesAsync() : await client.AskAsync() is not null;

    private Task<IReadOnlyList<DataplaneRefusal>> ApplyAsync(DataplaneNatEntry natEntry) => ApplyAsync(Configs.Config(natEntry));

    private Task<IReadOnlyList<DataplaneRefusal>> ApplyAsync(DataplaneConfig config) => _lab.Node.RunAsync(() => _dataplane.ApplyAsync(config, null, Cancellation));
}
