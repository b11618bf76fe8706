using System.Net;
using CN2.Network.Collections;

namespace CN2.Api.Drivers;

/// <summary>The nodes with a route to a FloatingIP that has several. <paramref name="Nodes"/>: their IPv4 addresses, sorted.</summary>
public sealed record VRouterCarriers(VRouterAttachmentKey Key, EquatableList<IPAddress> Nodes);
