namespace CN2.Network.Resources;

/// <summary>The reasons of the conditions of Services and FloatingIPs. They are part of the API: scripts of users compare them.</summary>
public static class ConditionReason
{
    // Allocated
    public const string Allocated = "Allocated";
    public const string NoExternalNetwork = "NoExternalNetwork";
    public const string SelectorNotFound = "SelectorNotFound";
    public const string NetworkNotFound = "NetworkNotFound";
    public const string NetworkNotAllowed = "NetworkNotAllowed";
    public const string QuotaExceeded = "QuotaExceeded";
    public const string AddressesExhausted = "AddressesExhausted";
    public const string ClusterIPsExhausted = "ClusterIPsExhausted";
    public const string NodePortsExhausted = "NodePortsExhausted";
    public const string FamilyNotAvailable = "FamilyNotAvailable";
    public const string AddressInUse = "AddressInUse";
    public const string AddressOutOfRange = "AddressOutOfRange";

    // Programmed
    public const string Programmed = "Programmed";
    public const string AwaitingVirtualRouters = "AwaitingVirtualRouters";
    public const string VirtualRouterRefused = "VirtualRouterRefused";
    public const string EntryRefused = "EntryRefused";

    // Advertised
    public const string Advertised = "Advertised";
    public const string NotApplicable = "NotApplicable";
    public const string NoRouteTarget = "NoRouteTarget";
    public const string AdvertisementUnreadable = "AdvertisementUnreadable";
    public const string BgpDisabled = "BgpDisabled";
    public const string NoPeer = "NoPeer";
    public const string RouteRefused = "RouteRefused";
    public const string AwaitingSpeaker = "AwaitingSpeaker";
    public const string AwaitingControlNodes = "AwaitingControlNodes";
    public const string AwaitingPeers = "AwaitingPeers";
    public const string AddPathLimited = "AddPathLimited";
    public const string PeerLimit = "PeerLimit";
    public const string OutsideGrant = "OutsideGrant";
    public const string VirtualRoutersDown = "VirtualRoutersDown";
    public const string NextHopMissing = "NextHopMissing";
    public const string SourceRangesExcludeFamily = "SourceRangesExcludeFamily";

    // Endpoints
    public const string NoEndpoints = "NoEndpoints";
    public const string NoReadyEndpoints = "NoReadyEndpoints";
    public const string NoEndpointOfFamily = "NoEndpointOfFamily";
    public const string HealthCheckNotFound = "HealthCheckNotFound";
    public const string Flapping = "Flapping";
    public const string TooManyEndpoints = "TooManyEndpoints";
    public const string InterfaceNotFound = "InterfaceNotFound";
    public const string VirtualRouterNotFound = "VirtualRouterNotFound";
    public const string InfrastructureAddress = "InfrastructureAddress";

    // Ready, and every condition
    public const string Ready = "Ready";
    public const string NotForwarding = "NotForwarding";
    public const string NotAllocated = "NotAllocated";
    public const string Deleting = "Deleting";
    public const string NotAttached = "NotAttached";
}
