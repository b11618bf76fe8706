namespace CN2.Network.Resources;

/// <summary>One port of a Service. <paramref name="NodePort"/> is 0 when none was allocated.</summary>
public sealed record ServicePort(string? Name, TransportProtocol Protocol, ushort Port, ushort TargetPort, ushort NodePort);
