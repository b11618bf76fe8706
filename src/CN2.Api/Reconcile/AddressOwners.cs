namespace CN2.Api.Reconcile;

/// <summary>What the vRouters are told of addresses: which ones FloatingIPs hold, and whose flows must end.</summary>
internal sealed record AddressOwners(HeldAddresses Held, FlowOwners Flows);
