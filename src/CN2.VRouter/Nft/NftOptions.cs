using System.Net;

namespace CN2.VRouter.Nft;

/// <summary>
/// What shapes the tables besides the configuration. <paramref name="Table"/>: the name of both the ip and the ip6 table. The addresses
/// are the node's own: the source of flows to other nodes; null: the address of the outgoing interface.
/// </summary>
public sealed record NftOptions(string Table, IPAddress? Address, IPAddress? Address6)
{
    /// <summary>The addresses of the <see cref="NodeFence"/>: whatever the maps hold, packets to them pass as they are.</summary>
    public IReadOnlySet<IPAddress> Fence { get; init; } = new HashSet<IPAddress>();

    /// <summary>The interfaces by which packets come from outside (<see cref="Inspection.NodeUplinks"/>).</summary>
    public IReadOnlySet<string> Uplinks { get; init; } = new HashSet<string>();

    /// <summary>Where ICMP errors are relayed between nodes (<see cref="NftRelay"/>): the UDP port, and the nflog group of the same number. 0: nowhere.</summary>
    public int RelayPort { get; init; }

    /// <summary>How many NAT entries with a port the kernel takes for each family in the underlay; null: as many as its memory holds.</summary>
    public int? LargestMap { get; init; }
}
