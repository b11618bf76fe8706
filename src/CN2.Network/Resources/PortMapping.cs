namespace CN2.Network.Resources;

/// <summary>One line of a FloatingIP's port map (CN2: <c>portMappings[]{protocol, srcPort, dstPort}</c>).</summary>
public sealed record PortMapping(TransportProtocol Protocol, ushort Port, ushort TargetPort);
