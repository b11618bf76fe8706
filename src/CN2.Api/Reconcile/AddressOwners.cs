namespace CN2.Api.Reconcile;

/// <summary>What the vRouters are told of addresses: which ones FloatingIPs hold, whose flows must end, and which are inside.</summary>
internal sealed record AddressOwners(HeldAddresses Held, FlowOwners Flows, InsideNetworks Inside);
