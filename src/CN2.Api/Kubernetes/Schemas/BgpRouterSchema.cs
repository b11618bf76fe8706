using static CN2.Api.Kubernetes.Schemas.Cn2Schemas;
using static CN2.Api.Kubernetes.Schemas.Define;

namespace CN2.Api.Kubernetes.Schemas;

/// <summary>BGPRouter (docs/facts/cn2.md, 1.10).</summary>
public static class BgpRouterSchema
{
    private static readonly Schema.Structure Families = Structure(Package + "AddressFamilies", "Address families of BGP.",
        Of(0, "family", new Schema.List(new Schema.Text(["inet", "inet-labeled", "inet-vpn", "e-vpn", "erm-vpn", "route-target", "inet6", "inet-mvpn", "inet6-vpn"])), "The families."));

    private static readonly Schema.Structure Key = Structure(Package + "AuthenticationKeyItem", "A key of a session.",
        Text(0, "key", "The key; never read back."),
        Number(0, "keyID", "Its number."));

    private static readonly Schema.Structure Authentication = Structure(Package + "AuthenticationData", "How a session is authenticated.",
        List(0, "keyItems", Key, "The keys; one is used."),
        Text(0, "keyType", "The method.", "md5"));

    private static readonly Schema.Structure Parameters = Structure(Package + "BGPRouterParameters", "How a router speaks BGP.",
        Text(0, "address", "Its address."),
        Of(0, "addressFamilies", Families, "The address families of its sessions."),
        Flag(0, "adminDown", "Its sessions are down."),
        Of(0, "authData", Authentication, "How its sessions are authenticated.").Secret(),
        Long(0, "autonomousSystem", "Its autonomous system."),
        Text(0, "clusterID", "Its cluster, as a route reflector."),
        Text(0, "gatewayAddress", "The gateway to it."),
        Number(0, "holdTime", "How many seconds it may be silent; 0 means 90."),
        Text(0, "identifier", "Its router identifier."),
        Text(0, "ipv6GatewayAddress", "The gateway to it in IPv6."),
        Long(0, "localAutonomousSystem", "The autonomous system it is shown."),
        Number(0, "port", "The port it listens on; 179 when absent."),
        Text(0, "routerType", "What it is: router, control-node, or one for BGP as a service."),
        Number(0, "sourcePort", "The port it connects from."),
        Text(0, "vendor", "Who made it."));

    private static readonly Schema.Structure FamilyAttributes = Structure(Package + "FamilyAttributes", "How a session treats one address family.",
        Text(0, "addressFamily", "The family."),
        Texts(0, "defaultTunnelEncap", "Encapsulations of routes that name none."),
        Number(0, "loopCount", "How often its own autonomous system may stand in a path."),
        Of(0, "prefixLimit", Structure(Package + "PrefixLimit", "How many routes are taken.",
            Number(0, "idleTimeout", "How many seconds the session stays down beyond it."),
            Number(0, "maximum", "The number.")), "How many routes are taken."));

    private static readonly Schema.Structure SessionAttributes = Structure(Package + "BGPSessionAttributes", "How a session differs from its router.",
        Of(0, "addressFamilies", Families, "Its address families."),
        Flag(0, "adminDown", "It is down."),
        Flag(0, "asOverride", "The peer's autonomous system is replaced in paths."),
        Of(0, "authData", Authentication, "How it is authenticated.").Secret(),
        Text(0, "bgpRouter", "The router it is for."),
        List(0, "familyAttributes", FamilyAttributes, "How it treats address families."),
        Number(0, "holdTime", "How many seconds the peer may be silent."),
        Long(0, "localAutonomousSystem", "The autonomous system it is shown."),
        Number(0, "loopCount", "How often its own autonomous system may stand in a path."),
        Flag(0, "passive", "It waits for the peer to connect."),
        Text(0, "privateASAction", "What becomes of private autonomous systems in paths."),
        Free(0, "routeOriginOverride", "The origin that routes get."));

    private static readonly Schema.Structure Session = Structure(Package + "BGPSession", "A session between two routers.",
        List(0, "sessionAttributes", SessionAttributes, "How it differs from its router."),
        Text(0, "uuid", "Its identifier."));

    private static readonly Schema.Structure Peering = Structure(Package + "BGPPeeringAttributes", "Sessions between two routers.",
        List(0, "session", Session, "The sessions."));

    private static readonly Schema.Structure Peer = Structure(Package + "BGPRouterReference", "A router it has sessions with.",
    [
        .. Reference.Fields,
        Of(0, "attributes", Peering, "The sessions."),
    ]);

    private static readonly Schema.Structure SessionStatus = Structure(Package + "BGPSessionStatus", "The state of a session.",
        Flag(0, "addPath", "Several paths of one prefix can be sent."),
        Long(0, "advertised", "How many routes were sent."),
        Text(0, "controlNode", "The control node."),
        Texts(0, "families", "The address families."),
        Text(0, "lastError", "Why it went down."),
        Long(0, "received", "How many routes were received."),
        Time(0, "since", "When the state began."),
        Text(0, "state", "The state, such as Established."));

    public static ResourceDefinition Definition { get; } = Kind("BGPRouter", "bgprouters", "br", "A router that speaks BGP with the control nodes.",
    [
        Of(0, "bgpRouterParameters", Parameters, "How it speaks BGP."),
        List(0, "bgpRouterReferences", Peer, "Routers it has sessions with."),
        Of(0, "parent", Reference, "The routing table it belongs to."),
    ],
    List(0, "sessions", SessionStatus, "Its sessions, one for each control node."));
}
