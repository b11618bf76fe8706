namespace CN2.Network.Resources;

/// <summary>Which endpoints serve a packet that came to the external address.</summary>
public enum ExternalTrafficPolicy
{
    /// <summary>Only endpoints on the vRouter that received the packet (CN2's behaviour); the client address is kept.</summary>
    Local,

    /// <summary>Any endpoint; for an endpoint on another node the source address becomes the node's address.</summary>
    Cluster,
}
