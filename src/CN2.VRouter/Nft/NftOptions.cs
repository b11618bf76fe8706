using System.Net;

namespace CN2.VRouter.Nft;

/// <summary>
/// What shapes the tables besides the configuration. <paramref name="Table"/>: the name of both the ip and the ip6 table. The addresses
/// are the node's own: the source of flows to other nodes; null: the address of the outgoing interface.
/// </summary>
public sealed record NftOptions(string Table, IPAddress? Address, IPAddress? Address6);
