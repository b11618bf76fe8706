using static CN2.Api.Kubernetes.Schemas.Define;

namespace CN2.Api.Kubernetes.Schemas;

/// <summary>Kubemanager (docs/facts/cn2.md, 1.6): holds the external network selectors. One form in two versions.</summary>
public static class KubemanagerSchema
{
    private const string Group = "configplane.juniper.net";

    public static ResourceDefinition V1 { get; } = Kubemanager("v1");

    public static ResourceDefinition V1Alpha1 { get; } = Kubemanager("v1alpha1");

    private static ResourceDefinition Kubemanager(string version)
    {
        var package = $"net.juniper.configplane.{version}.";
        var selector = Structure(package + "ExternalNetworkSelector", "Which networks a Service may get its external addresses from.",
            Of(0, "namespaceSelector", MetaSchemas.LabelSelector, "The namespaces that are searched; the Service's own when absent."),
            Of(0, "networkSelector", MetaSchemas.LabelSelector, "The networks."));
        var isolation = Structure(package + "IsolateNamespaces", "Whether new namespaces are isolated.",
            Text(0, "defaultForwardingMode", "How their pods are reached."),
            Flag(0, "enable", "They are."),
            Texts(0, "exceptionList", "Namespaces that are not."));
        var spec = Structure(package + "KubemanagerSpec", "What is asked of a Kubemanager.",
            Text(0, "clusterName", "The name of the cluster."),
            Free(0, "common", "How it is deployed; no effect here."),
            Of(0, "externalNetworkSelectors", new Schema.Map(selector), "Choices of networks, by name."),
            Text(0, "externalNetworkV4Subnet", "The prefix of the default external network."),
            Text(0, "externalNetworkV6Subnet", "The IPv6 prefix of the default external network."),
            Flag(0, "ipFabricFowardingExtSvc", "The default external network is reached through the underlay."),
            Of(0, "isolateNamespaces", isolation, "Whether new namespaces are isolated."),
            Number(0, "listenerPort", "The port it listens on."),
            Text(0, "podV4Subnet", "The prefix of pods."),
            Text(0, "podV6Subnet", "The IPv6 prefix of pods."),
            Text(0, "serviceV4Subnet", "The prefix of cluster addresses."),
            Text(0, "serviceV6Subnet", "The IPv6 prefix of cluster addresses."))
            with
        { KeepsUnknown = true }; // a real one has the settings of a whole deployment, which are kept
        return new(Group, version, "Kubemanager", "kubemanagers", Define.Object(package + "Kubemanager", "Settings of the cluster, among them the external network selectors.",
            Of(0, "spec", spec, "What is asked."),
            Of(0, "status", Cn2Schemas.Status(package + "KubemanagerStatus", "The state of a Kubemanager.", []), "The state; set by the server.")))
        {
            Verbs = ["get", "list", "patch", "update", "watch"],
        };
    }
}
