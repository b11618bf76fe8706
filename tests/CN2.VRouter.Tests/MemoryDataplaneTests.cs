using System.Net;
using System.Net.Sockets;
using CN2.Network.Addressing;
using CN2.Network.Resources;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Tests.Lab;

namespace CN2.VRouter.Tests;

public sealed class MemoryDataplaneTests : DataplaneContract, IAsyncDisposable
{
    private static readonly HashSet<IPAddress> NodeAddresses = [IPAddress.Parse(NodeLab.NodeAddress), IPAddress.Parse(NodeLab.ClientSide)];

    private readonly MemoryDataplane _dataplane = new();

    public ValueTask DisposeAsync() => _dataplane.DisposeAsync();

    private protected override Task ApplyAsync(DataplaneConfig desired, DataplaneChange? change = null) =>
        _dataplane.ApplyAsync(desired, change, TestContext.Current.CancellationToken);

    private protected override Task<Answer?> ReachAsync(ProtocolType protocol, string address, int port, string from = NodeLab.Client) =>
        Task.FromResult(_dataplane.Reach(
            protocol == ProtocolType.Tcp ? TransportProtocol.TCP : TransportProtocol.UDP,
            IPAddress.Parse(address),
            port,
            IPAddress.Parse(from),
            NodeAddresses,
            a => a.ToString() switch
            {
                NodeLab.Pod1 or NodeLab.Pod1v6 => "pod1",
                NodeLab.Pod2 => "pod2",
                _ => "remote",
            },
            family => family == IPFamily.IPv4 ? NodeLab.NodeAddress : NodeLab.NodeAddress6));
}
