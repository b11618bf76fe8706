using System.Text;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Resources;

namespace CN2.Network.Allocation;

/// <summary>
/// The name of a Service's FloatingIP by CN2's formula (<c>docs/facts/cn2.md</c> 1.8, from names in published outputs):
/// <c>&lt;cluster&gt;-&lt;service&gt;-&lt;8 hex digits&gt;</c>, the digits are FNV-1a (32 bits) over cluster, namespace, service, "v4" or "v6" and
/// "ClusterIP" or "LoadBalancer", one after the other. A Service that is created again, or gets another network, therefore has the same names.
/// </summary>
public static class FloatingIPName
{
    /// <summary>A DNS-1123 subdomain.</summary>
    public const int MaxLength = 253;

    public static string Of(string cluster, NamespacedName service, IPFamily family, FloatingIPKind kind)
    {
        var hash = Fnv1a.Of(Encoding.UTF8.GetBytes($"{cluster}{service.Namespace}{service.Name}{(family == IPFamily.IPv6 ? "v6" : "v4")}{(kind == FloatingIPKind.ClusterIP ? "ClusterIP" : "LoadBalancer")}"));

        // The name of a cluster may have any length. The hash covers all of it, so a shortened prefix gives no two equal names.
        var room = MaxLength - 1 - service.Name.Length - 1 - 8;
        var prefix = cluster.Length <= room ? cluster : cluster[..room].TrimEnd('-', '.');
        return $"{prefix}-{service.Name}-{hash:x8}";
    }

    /// <summary>
    /// The name of a FloatingIP that is being deleted while its successor needs the old name: that name and the last 8 hex digits of the uid.
    /// </summary>
    public static string Retired(string name, Guid uid)
    {
        var suffix = uid.ToString("N")[^8..];
        var room = MaxLength - 1 - suffix.Length;
        return $"{(name.Length <= room ? name : name[..room].TrimEnd('-', '.'))}-{suffix}";
    }
}
