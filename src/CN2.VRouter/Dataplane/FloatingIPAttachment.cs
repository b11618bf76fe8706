using System.Net;
using CN2.Network.Collections;

namespace CN2.VRouter.Dataplane;

/// <summary>Who a reserved FloatingIP belongs to. Flows through it to anybody else end.</summary>
/// <param name="Service">The uid of the Service that holds it: its NAT entries say which endpoints it has. Null: it is attached to <paramref name="Endpoints"/>.</param>
/// <param name="Endpoints">Addresses; empty without a Service: it is attached to nobody.</param>
public sealed record FloatingIPAttachment(Guid? Service, EquatableList<IPAddress> Endpoints);
