namespace CN2.Network.Addressing;

/// <summary>The two address families, named as Kubernetes and the JSON contract name them.</summary>
public enum IPFamily
{
    IPv4 = 4,
    IPv6 = 6,
}
