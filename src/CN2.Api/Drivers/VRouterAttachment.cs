using System.Net;
using CN2.Network.Collections;

namespace CN2.Api.Drivers;

/// <summary>A FloatingIP by its address, and where it is valid: in the underlay (0), or in a RoutingInstance.</summary>
public readonly record struct VRouterAttachmentKey(int RoutingInstance, IPAddress FloatingIP);

/// <summary>Who a reserved FloatingIP belongs to at present: agents end the flows through it to anybody else.</summary>
/// <param name="Service">The Service that holds it; null: it is attached to <paramref name="Endpoints"/>.</param>
/// <param name="Endpoints">Addresses; empty without a Service: it is attached to nobody.</param>
public sealed record VRouterAttachment(VRouterAttachmentKey Key, Guid? Service, EquatableList<IPAddress> Endpoints);

/// <summary>The VirtualMachineInterface that has an address which another one had before. Agents end the flows to the former one.</summary>
public readonly record struct VRouterEndpointHolder(IPAddress Address, Guid Endpoint);
