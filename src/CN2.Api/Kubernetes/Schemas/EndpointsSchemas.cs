using static CN2.Api.Kubernetes.Schemas.Define;

namespace CN2.Api.Kubernetes.Schemas;

/// <summary>Endpoints of the core group and EndpointSlice: what stands behind a Service. Both are read-only.</summary>
public static class EndpointsSchemas
{
    private const string Discovery = "io.k8s.api.discovery.v1.";

    private static readonly Schema.Structure Address = Structure(ReferenceSchemas.Core + "EndpointAddress", "An address behind a Service.",
        Text(3, "hostname", "Its host name."),
        Text(1, "ip", "The address.").Required(),
        Text(4, "nodeName", "The node it is on."),
        Of(2, "targetRef", ReferenceSchemas.Object, "The pod it belongs to.")).Atomic();

    private static readonly Schema.Structure Port = Structure(ReferenceSchemas.Core + "EndpointPort", "A port behind a Service.",
        Text(4, "appProtocol", "The application protocol spoken on the port."),
        Text(1, "name", "The name of the Service's port."),
        Number(2, "port", "The port.").Required(),
        Text(3, "protocol", "The transport protocol.", "TCP", "UDP", "SCTP").DefaultsTo("\"TCP\"")).Atomic();

    private static readonly Schema.Structure Subset = Structure(ReferenceSchemas.Core + "EndpointSubset", "Addresses that serve the same ports.",
        List(1, "addresses", Address, "Addresses that are ready."),
        List(2, "notReadyAddresses", Address, "Addresses that are not ready."),
        List(3, "ports", Port, "The ports of these addresses."));

    public static ResourceDefinition Endpoints { get; } = new("", "v1", "Endpoints", "endpoints",
        Object(ReferenceSchemas.Core + "Endpoints", "The addresses behind a Service.",
            List(2, "subsets", Subset, "All addresses, grouped by their ports.")))
    {
        IsNative = true,
        ShortNames = ["ep"],
        Verbs = ResourceDefinition.ReadOnly,
    };

    private static readonly Schema.Structure SliceConditions = Structure(Discovery + "EndpointConditions", "The state of an endpoint.",
        Flag(1, "ready", "It takes new connections.").Nullable(),
        Flag(2, "serving", "It answers, even when it is about to end.").Nullable(),
        Flag(3, "terminating", "It is about to end.").Nullable());

    private static readonly Schema.Structure SliceEndpoint = Structure(Discovery + "Endpoint", "One endpoint behind a Service.",
        TextSet(1, "addresses", "Its addresses.").Required(),
        Of(2, "conditions", SliceConditions, "Its state."),
        TextMap(5, "deprecatedTopology", "No longer used."),
        Free(8, "hints", "Which zones and nodes it is meant for."),
        Text(3, "hostname", "Its host name."),
        Text(6, "nodeName", "The node it is on."),
        Of(4, "targetRef", ReferenceSchemas.Object, "The pod it belongs to."),
        Text(7, "zone", "The zone it is in."));

    private static readonly Schema.Structure SlicePort = Structure(Discovery + "EndpointPort", "A port of the endpoints of a slice.",
        Text(4, "appProtocol", "The application protocol spoken on the port."),
        Text(1, "name", "The name of the Service's port."),
        Number(3, "port", "The port.").Nullable(),
        Text(2, "protocol", "The transport protocol.", "TCP", "UDP", "SCTP").DefaultsTo("\"TCP\"")).Atomic();

    public static ResourceDefinition EndpointSlice { get; } = new("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices",
        Object(Discovery + "EndpointSlice", "Endpoints behind a Service, of one address family.",
            Text(4, "addressType", "The address family.", "IPv4", "IPv6", "FQDN").Required(),
            List(2, "endpoints", SliceEndpoint, "The endpoints.").Required(),
            List(3, "ports", SlicePort, "The ports of all these endpoints.")))
    {
        IsNative = true,
        Verbs = ResourceDefinition.ReadOnly,
    };
}
