namespace CN2.Network.Compilation;

/// <summary>Which vRouters get the cluster IPs of a Service. Its node ports and FloatingIPs of External Networks are on all, because any pod may call them.</summary>
public enum ServiceDistribution
{
    /// <summary>All of them.</summary>
    All,

    /// <summary>Those with an endpoint of the Service's namespace; all of them when these are more than <see cref="NamespacePlaces.MostNamed"/>.</summary>
    Namespace,
}
