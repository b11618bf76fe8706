using CN2.Network.Addressing;

namespace CN2.VRouter.Inspection;

/// <summary>A sysctl of the kernel that each interface has.</summary>
/// <param name="Device">The interface, or <c>all</c>.</param>
/// <param name="Setting">The last part of its name: <c>forwarding</c>.</param>
internal readonly record struct DeviceSetting(IPFamily Family, string Device, string Setting)
{
    /// <summary>As sysctl(8) takes it. A dot in the name of an interface (a VLAN's) is written as a slash there.</summary>
    public string Name => $"net.{Folder}.conf.{Device.Replace('.', '/')}.{Setting}";

    /// <summary>What it is set to; null: there is none, because the interface is gone or the kernel does not know the setting.</summary>
    public string? Value => NodeFile.Word($"/proc/sys/net/{Folder}/conf/{Device}/{Setting}");

    private string Folder => Family == IPFamily.IPv4 ? "ipv4" : "ipv6";
}
