using System.Net;
using System.Net.Sockets;
using CN2.Network.Resources;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Inspection;
using CN2.VRouter.Nft;
using CN2.VRouter.Tests.Lab;
using Microsoft.Extensions.Logging.Abstractions;

namespace CN2.VRouter.Tests.Nft;

/// <summary>The tables in the node of <see cref="NodeLab"/>, as an agent makes them there.</summary>
public abstract class NftLabTest : IAsyncLifetime
{
    protected const string FloatingIP = "100.0.0.4";
    protected const string FloatingIP6 = "2001:db8::4";

    private readonly NftDataplane _dataplane;

    protected NftLabTest(NodeLab lab)
    {
        Lab = lab;
        IPAddress[] own = [IPAddress.Parse(NodeLab.NodeAddress), IPAddress.Parse(NodeLab.NodeAddress6)];
        Uplinks = new NodeUplinks(own);
        _dataplane = lab.Node.Run(() =>
        {
            Uplinks.Refresh();
            return new NftDataplane(new NftOptions("cn2", own[0], own[1]), NullLogger<NftDataplane>.Instance, uplinks: Uplinks);
        });
    }

    protected NodeLab Lab { get; }

    protected NodeUplinks Uplinks { get; }

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _dataplane.DisposeAsync();
        await Lab.Node.RunAsync(() => NftDataplane.FlushAsync("cn2"));
        Lab.Node.Exec("conntrack", "-F");
        GC.SuppressFinalize(this);
    }

    protected Task<IReadOnlyList<DataplaneRefusal>> ApplyAsync(params DataplaneNatEntry[] natEntries) => ApplyAsync(Configs.Config(natEntries));

    protected Task<IReadOnlyList<DataplaneRefusal>> ApplyAsync(DataplaneConfig config) => Lab.Node.RunAsync(() => _dataplane.ApplyAsync(config, null, Cancellation));

    protected static TransportProtocol Of(ProtocolType protocol) => protocol == ProtocolType.Tcp ? TransportProtocol.TCP : TransportProtocol.UDP;
}
