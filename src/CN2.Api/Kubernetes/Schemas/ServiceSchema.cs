using static CN2.Api.Kubernetes.Schemas.Define;

namespace CN2.Api.Kubernetes.Schemas;

/// <summary>Service of the core group.</summary>
public static class ServiceSchema
{
    private static readonly Schema.Structure Port = Structure(ReferenceSchemas.Core + "ServicePort", "One port of a Service.",
        Text(6, "appProtocol", "The application protocol spoken on the port."),
        Text(1, "name", "The name of the port; needed when there are several."),
        Number(5, "nodePort", "The port on every node that leads to the Service; allocated when absent."),
        Number(3, "port", "The port clients connect to.").Required(),
        Text(2, "protocol", "The transport protocol.", "TCP", "UDP", "SCTP").DefaultsTo("\"TCP\""),
        NumberOrText(4, "targetPort", "The port of the endpoints, as a number or as the name of a container's port; the same as port when absent."));

    private static readonly Schema.Structure ClientIP = Structure(ReferenceSchemas.Core + "ClientIPConfig", "Affinity by the client's address.",
        Number(1, "timeoutSeconds", "How many seconds after its last connection a client still reaches the same endpoint.").DefaultsTo("10800").Nullable());

    private static readonly Schema.Structure Affinity = Structure(ReferenceSchemas.Core + "SessionAffinityConfig", "How session affinity works.",
        Of(1, "clientIP", ClientIP, "Affinity by the client's address."));

    private static readonly Schema.Structure Spec = Structure(ReferenceSchemas.Core + "ServiceSpec", "What is asked of a Service.",
        Flag(20, "allocateLoadBalancerNodePorts", "Whether a Service of type LoadBalancer also gets node ports; true when absent.").Nullable(),
        Text(3, "clusterIP", "The address inside the cluster, the first of clusterIPs; allocated when absent."),
        Texts(18, "clusterIPs", "The addresses inside the cluster, one for each family."),
        Texts(5, "externalIPs", "Addresses of nodes that also lead to the Service."),
        Text(10, "externalName", "The host name that a Service of type ExternalName stands for."),
        Text(11, "externalTrafficPolicy", "Local: a node sends what comes from outside to its own endpoints only; Cluster: to any.", "Cluster", "Local"),
        Number(12, "healthCheckNodePort", "The port on which nodes say whether they have an endpoint."),
        Text(22, "internalTrafficPolicy", "Where callers inside the cluster are sent.", "Cluster", "Local").DefaultsTo("\"Cluster\""),
        Of(19, "ipFamilies", new Schema.List(new Schema.Text(["IPv4", "IPv6"])), "The address families of the Service."),
        Text(17, "ipFamilyPolicy", "Whether the Service has one address family or two.", "SingleStack", "PreferDualStack", "RequireDualStack"),
        Text(21, "loadBalancerClass", "The implementation that shall serve the Service."),
        Text(8, "loadBalancerIP", "The external address that is asked for."),
        Texts(9, "loadBalancerSourceRanges", "The prefixes from which clients may come; all when absent."),
        ListBy(1, "ports", Port, "The ports of the Service.", "port", "protocol"),
        Flag(13, "publishNotReadyAddresses", "Endpoints that are not ready count as ready."),
        TextMap(2, "selector", "The labels of the pods that serve it.", isAtomic: true),
        Text(7, "sessionAffinity", "ClientIP: a client reaches the same endpoint again.", "None", "ClientIP").DefaultsTo("\"None\""),
        Of(14, "sessionAffinityConfig", Affinity, "How session affinity works."),
        Text(23, "trafficDistribution", "A preference for near endpoints."),
        Text(4, "type", "How the Service can be reached.", "ClusterIP", "NodePort", "LoadBalancer", "ExternalName").DefaultsTo("\"ClusterIP\""));

    private static readonly Schema.Structure PortStatus = Structure(ReferenceSchemas.Core + "PortStatus", "The state of one port of a load balancer.",
        Text(3, "error", "What is wrong with the port."),
        Number(1, "port", "The port.").Required(),
        Text(2, "protocol", "The transport protocol.", "TCP", "UDP", "SCTP").Required());

    private static readonly Schema.Structure Ingress = Structure(ReferenceSchemas.Core + "LoadBalancerIngress", "One way into the Service from outside.",
        Text(2, "hostname", "The host name of it."),
        Text(1, "ip", "The external address."),
        Text(3, "ipMode", "VIP: packets arrive with the external address."),
        List(4, "ports", PortStatus, "The state of its ports."));

    private static readonly Schema.Structure LoadBalancer = Structure(ReferenceSchemas.Core + "LoadBalancerStatus", "The state of a load balancer.",
        List(1, "ingress", Ingress, "The ways in, one for each external address."));

    private static readonly Schema.Structure Status = Structure(ReferenceSchemas.Core + "ServiceStatus", "The state of a Service.",
        ListBy(2, "conditions", MetaSchemas.Condition, "What is known of the Service: Allocated, Programmed, Advertised, Ready.", "type"),
        Of(1, "loadBalancer", LoadBalancer, "The external addresses."));

    public static ResourceDefinition Definition { get; } = new("", "v1", "Service", "services",
        Object(ReferenceSchemas.Core + "Service", "An address and ports in front of a set of pods.",
            Of(2, "spec", Spec, "What is asked of the Service."),
            Of(3, "status", Status, "The state of the Service; set by the server.")))
    {
        IsNative = true,
        ShortNames = ["svc"],
        Categories = ["all"],
        Subresources = [new("status", "Service", "get", "patch", "update")],
    };
}
