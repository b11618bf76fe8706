using CN2.Network.Resources;

namespace CN2.Network.Status;

/// <summary>CN2's text for a port map, <c>TCP/8080->80,UDP/53->53</c>, in the user's order. Empty: all ports, one to one.</summary>
public static class PortMappingText
{
    public static string Of(IEnumerable<PortMapping> mappings) => string.Join(',', mappings.Select(m => $"{m.Protocol}/{m.Port}->{m.TargetPort}"));

    public static string Of(IEnumerable<ServicePort> ports) => string.Join(',', ports.Select(p => $"{p.Protocol}/{p.Port}->{p.TargetPort}"));
}
