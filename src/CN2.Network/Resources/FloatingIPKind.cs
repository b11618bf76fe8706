namespace CN2.Network.Resources;

/// <summary>What an address is for.</summary>
public enum FloatingIPKind
{
    /// <summary>An address of the service network; never advertised.</summary>
    ClusterIP,

    /// <summary>An address of an ExternalNetwork.</summary>
    External,
}
