using System.Net;

namespace CN2.Api.Allocation;

/// <summary>An address and the subnet it came from.</summary>
public readonly record struct PooledAddress(int SubnetId, IPAddress Address);
