using CN2.Network.Resources;

namespace CN2.Api.Data.Documents;

/// <summary>Column <c>floating_ip.spec</c>: the request for a reserved FloatingIP, without its address.</summary>
public sealed record FloatingIPSpec
{
    /// <summary>Names of VirtualMachineInterfaces of the same namespace it is attached to directly; they need not exist.</summary>
    public List<string> Interfaces { get; set; } = [];

    /// <summary>Empty: all ports, one to one.</summary>
    public List<FloatingIPPortMapping> PortMappings { get; set; } = [];
}

/// <summary>One line of a port map.</summary>
public sealed record FloatingIPPortMapping
{
    public TransportProtocol Protocol { get; set; } = TransportProtocol.TCP;
    public int Port { get; set; }
    public int TargetPort { get; set; }
}
