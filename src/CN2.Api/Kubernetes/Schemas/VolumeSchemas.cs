using static CN2.Api.Kubernetes.Schemas.Define;
using static CN2.Api.Kubernetes.Schemas.ReferenceSchemas;

namespace CN2.Api.Kubernetes.Schemas;

/// <summary>The volumes of a pod. Nothing here mounts one; they are kept as they were written.</summary>
internal static class VolumeSchemas
{
    private const string Mode = "420"; // 0644

    private static readonly Schema.Structure KeyToPath = Structure(Core + "KeyToPath", "Which key becomes which file.",
        Text(1, "key", "The key.").Required(),
        Number(3, "mode", "The permissions of the file.").Nullable(),
        Text(2, "path", "The file, below the mount.").Required());

    private static readonly Schema.Structure DownwardFile = Structure(Core + "DownwardAPIVolumeFile", "A file with a value of the pod.",
        Of(2, "fieldRef", ContainerSchemas.FieldRef, "A field of the pod."),
        Number(4, "mode", "The permissions of the file.").Nullable(),
        Text(1, "path", "The file, below the mount.").Required(),
        Of(3, "resourceFieldRef", ContainerSchemas.ResourceFieldRef, "A resource of a container."));

    private static readonly Schema.Structure ConfigMap = Structure(Core + "ConfigMapVolumeSource", "The keys of a ConfigMap as files.",
        [Number(3, "defaultMode", "The permissions of the files.").Nullable().DefaultsTo(Mode), Items(2), .. Embedded(1, Name), Optional(4)]);

    private static readonly Schema.Structure Secret = Structure(Core + "SecretVolumeSource", "The keys of a Secret as files.",
        Number(3, "defaultMode", "The permissions of the files.").Nullable().DefaultsTo(Mode),
        Items(2),
        Optional(4),
        Text(1, "secretName", "The Secret."));

    private static readonly Schema.Structure EmptyDirectory = Structure(Core + "EmptyDirVolumeSource", "An empty folder that lives as long as the pod.",
        Text(1, "medium", "Memory: it is held in memory."),
        Quantity(2, "sizeLimit", "How large it may become."));

    private static readonly Schema.Structure HostPath = Structure(Core + "HostPathVolumeSource", "A file or folder of the node.",
        Text(1, "path", "The file or folder.").Required(),
        Text(2, "type", "What must be there, or is made.").DefaultsTo("\"\""));

    private static readonly Schema.Structure Nfs = Structure(Core + "NFSVolumeSource", "A folder of an NFS server.",
        Text(2, "path", "The folder.").Required(),
        Flag(3, "readOnly", "It is mounted read-only."),
        Text(1, "server", "The server.").Required());

    private static readonly Schema.Structure Claim = Structure(Core + "PersistentVolumeClaimVolumeSource", "A volume that a PersistentVolumeClaim holds.",
        Text(1, "claimName", "The claim.").Required(),
        Flag(2, "readOnly", "It is mounted read-only."));

    private static readonly Schema.Structure Downward = Structure(Core + "DownwardAPIVolumeSource", "Values of the pod as files.",
        Number(2, "defaultMode", "The permissions of the files.").Nullable().DefaultsTo(Mode),
        List(1, "items", DownwardFile, "The files."));

    private static readonly Schema.Structure Projection = Structure(Core + "VolumeProjection", "One source of a projected volume.",
        Free(5, "clusterTrustBundle", "Certificates of a ClusterTrustBundle."),
        Of(3, "configMap", Structure(Core + "ConfigMapProjection", "Keys of a ConfigMap.", [Items(2), .. Embedded(1, Name), Optional(4)]), "Keys of a ConfigMap."),
        Of(2, "downwardAPI", Structure(Core + "DownwardAPIProjection", "Values of the pod.", List(1, "items", DownwardFile, "The files.")), "Values of the pod."),
        Free(6, "podCertificate", "A certificate of the pod."),
        Of(1, "secret", Structure(Core + "SecretProjection", "Keys of a Secret.", [Items(2), .. Embedded(1, Name), Optional(4)]), "Keys of a Secret."),
        Of(4, "serviceAccountToken", Structure(Core + "ServiceAccountTokenProjection", "A token of the pod's service account.",
            Text(1, "audience", "For whom the token is."),
            Long(2, "expirationSeconds", "How many seconds it is valid.").Nullable().DefaultsTo("3600"),
            Text(3, "path", "The file, below the mount.").Required()), "A token of the pod's service account."));

    private static readonly Schema.Structure Projected = Structure(Core + "ProjectedVolumeSource", "Several sources in one folder.",
        Number(2, "defaultMode", "The permissions of the files.").Nullable().DefaultsTo(Mode),
        List(1, "sources", Projection, "The sources."));

    private static readonly Schema.Structure Csi = Structure(Core + "CSIVolumeSource", "A volume that a CSI driver makes.",
        Text(1, "driver", "The driver.").Required(),
        Text(3, "fsType", "The file system."),
        Of(5, "nodePublishSecretRef", Local, "The Secret for the driver."),
        Flag(2, "readOnly", "It is mounted read-only.").Nullable(),
        TextMap(4, "volumeAttributes", "What the driver is told."));

    /// <summary>A volume of a pod; sources that are seldom used are kept and not judged.</summary>
    public static Schema.Structure Volume { get; } = Structure(Core + "Volume", "A volume of a pod.",
    [
        Text(1, "name", "What mounts call it.").Required(),
        .. Embedded(2,
            Free(4, "awsElasticBlockStore", "A disk of AWS."),
            Free(22, "azureDisk", "A disk of Azure."),
            Free(18, "azureFile", "A share of Azure."),
            Free(14, "cephfs", "A folder of CephFS."),
            Free(13, "cinder", "A disk of OpenStack."),
            Of(19, "configMap", ConfigMap, "The keys of a ConfigMap as files."),
            Of(28, "csi", Csi, "A volume that a CSI driver makes."),
            Of(16, "downwardAPI", Downward, "Values of the pod as files."),
            Of(2, "emptyDir", EmptyDirectory, "An empty folder that lives as long as the pod."),
            Free(29, "ephemeral", "A volume that is claimed for the life of the pod."),
            Free(17, "fc", "A disk by Fibre Channel."),
            Free(12, "flexVolume", "A volume of a plug-in."),
            Free(15, "flocker", "No longer used."),
            Free(3, "gcePersistentDisk", "A disk of Google."),
            Free(5, "gitRepo", "No longer used."),
            Free(9, "glusterfs", "A volume of GlusterFS."),
            Of(1, "hostPath", HostPath, "A file or folder of the node."),
            Free(30, "image", "An image as a volume."),
            Free(8, "iscsi", "A disk by iSCSI."),
            Of(7, "nfs", Nfs, "A folder of an NFS server."),
            Of(10, "persistentVolumeClaim", Claim, "A volume that a PersistentVolumeClaim holds."),
            Free(23, "photonPersistentDisk", "No longer used."),
            Free(24, "portworxVolume", "A volume of Portworx."),
            Of(26, "projected", Projected, "Several sources in one folder."),
            Free(21, "quobyte", "A volume of Quobyte."),
            Free(11, "rbd", "A block device of Ceph."),
            Free(25, "scaleIO", "A volume of ScaleIO."),
            Of(6, "secret", Secret, "The keys of a Secret as files."),
            Free(27, "storageos", "A volume of StorageOS."),
            Free(20, "vsphereVolume", "A disk of vSphere.")),
    ]);

    private static Field Items(int number) => List(number, "items", KeyToPath, "Which keys become files; all when absent.");

    private static Field Optional(int number) => Flag(number, "optional", "It need not exist.").Nullable();
}
