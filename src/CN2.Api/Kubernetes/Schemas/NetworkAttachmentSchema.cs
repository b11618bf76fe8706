using static CN2.Api.Kubernetes.Schemas.Define;

namespace CN2.Api.Kubernetes.Schemas;

/// <summary>NetworkAttachmentDefinition; its annotation <c>juniper.net/networks</c> makes a network (docs/facts/cn2.md, 1.2).</summary>
public static class NetworkAttachmentSchema
{
    private const string Package = "io.cncf.cni.k8s.v1.";

    private static readonly Schema.Structure Spec = Structure(Package + "NetworkAttachmentDefinitionSpec", "How pods are attached.",
        Text(0, "config", "The CNI configuration, as JSON."));

    public static ResourceDefinition Definition { get; } = new("k8s.cni.cncf.io", "v1", "NetworkAttachmentDefinition", "network-attachment-definitions",
        Define.Object(Package + "NetworkAttachmentDefinition", "A network that pods can be attached to.",
            Of(0, "spec", Spec, "How pods are attached.")))
    {
        Singular = "network-attachment-definition",
        ShortNames = ["net-attach-def"],
    };
}
