using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Inspection;
using CN2.VRouter.Nft;
using CN2.VRouter.Relay;
using Microsoft.Extensions.Logging.Abstractions;

namespace CN2.VRouter.Tests.Lab;

/// <summary>The tables and the relay of one node, as its agent makes them.</summary>
internal sealed class RelayNode : IAsyncDisposable
{
    public const int Port = AgentCommand.DefaultRelayPort;

    private readonly NetworkNamespace _home;
    private readonly NftDataplane _dataplane;

    public RelayNode(NetworkNamespace home, string address, string address6)
    {
        _home = home;
        IPAddress[] own = [IPAddress.Parse(address), IPAddress.Parse(address6)];
        var uplinks = new NodeUplinks(own);
        (_dataplane, Relay) = home.Run(() =>
        {
            uplinks.Refresh();
            var options = new NftOptions("cn2", own[0], own[1]) { RelayPort = Port };
            return (new NftDataplane(options, NullLogger<NftDataplane>.Instance, uplinks: uplinks), new IcmpRelay("cn2", own[0], Port, NullLogger<IcmpRelay>.Instance));
        });
    }

    public IcmpRelay Relay { get; }

    public Task ApplyAsync(DataplaneConfig config) => _home.RunAsync(async () =>
    {
        Assert.Empty(await _dataplane.ApplyAsync(config, null, TestContext.Current.CancellationToken));
        Relay.SetCarriers(config.Carriers, null);
    });

    public async ValueTask DisposeAsync()
    {
        Relay.Dispose();
        await _dataplane.DisposeAsync();
        await _home.RunAsync(() => NftDataplane.FlushAsync("cn2"));
    }

    /// <summary>Says that these nodes carry all FloatingIPs of the configuration.</summary>
    public static DataplaneConfig CarriedBy(DataplaneConfig config, params string[] nodes)
    {
        foreach (var key in config.NatEntries.Keys)
            config.Carriers[new FloatingIPPlace(key.RoutingInstance, key.Address!)] = nodes.Select(IPAddress.Parse).Order(Comparer<IPAddress>.Create(AddressArithmetic.Compare)).ToEquatableList();
        return config;
    }
}
