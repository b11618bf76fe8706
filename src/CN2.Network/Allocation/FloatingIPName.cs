using System.Text;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Resources;

namespace CN2.Network.Allocation;

/// <summary>
/// The name of a Service's FloatingIP by CN2's formula (facts: CN2 names observed in published outputs):
/// <c>&lt;cluster&gt;-&lt;service&gt;-&lt;8 hex digits&gt;</c>, the digits being FNV-1a (32 bits) over the plain concatenation of cluster, namespace,
/// service, "v4" or "v6" and "ClusterIP" or "LoadBalancer". It depends on nothing else, so it outlives re-creation and another network.
/// </summary>
public static class FloatingIPName
{
    /// <summary>A DNS-1123 subdomain.</summary>
    public const int MaxLength = 253;

    public static string Of(string cluster, NamespacedName service, IPFamily family, FloatingIPKind kind)
    {
        var hash = Fnv1a.Of(Encoding.UTF8.GetBytes($"{cluster}{service.Namespace}{service.Name}{(family == IPFamily.IPv6 ? "v6" : "v4")}{(kind == FloatingIPKind.ClusterIP ? "ClusterIP" : "LoadBalancer")}"));

        // A cluster's name is free text of any length; the hash covers the whole of it, so cutting the prefix makes no two names alike.
        var room = MaxLength - 1 - service.Name.Length - 1 - 8;
        var prefix = cluster.Length <= room ? cluster : cluster[..room].TrimEnd('-', '.');
        return $"{prefix}-{service.Name}-{hash:x8}";
    }

    /// <summary>
    /// The name a FloatingIP on its way out takes when its successor needs its own: the name with the last 8 hex digits of its uid.
    /// </summary>
    public static string Retired(string name, Guid uid)
    {
        var suffix = uid.ToString("N")[^8..];
        var room = MaxLength - 1 - suffix.Length;
        return $"{(name.Length <= room ? name : name[..room].TrimEnd('-', '.'))}-{suffix}";
    }
}
