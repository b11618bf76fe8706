using static CN2.Api.Kubernetes.Schemas.Define;
using static CN2.Api.Kubernetes.Schemas.ReferenceSchemas;

namespace CN2.Api.Kubernetes.Schemas;

/// <summary>The containers of a pod.</summary>
internal static class ContainerSchemas
{
    public static Schema.Structure FieldRef { get; } = Structure(Core + "ObjectFieldSelector", "A field of the pod.",
        Text(1, "apiVersion", "The version in which the field is named.").DefaultsTo("\"v1\""),
        Text(2, "fieldPath", "The field.").Required()).Atomic();

    public static Schema.Structure ResourceFieldRef { get; } = Structure(Core + "ResourceFieldSelector", "A resource of a container.",
        Text(1, "containerName", "The container."),
        Quantity(3, "divisor", "The unit of the value."),
        Text(2, "resource", "The resource.").Required()).Atomic();

    public static Schema.Structure Resources { get; } = Structure(Core + "ResourceRequirements", "How much of the node's resources is used.",
        ListBy(3, "claims", Structure(Core + "ResourceClaim", "A claim of the pod.",
            Text(1, "name", "The claim.").Required(),
            Text(2, "request", "Which request of it.")), "Claims of the pod that are used.", "name"),
        Amounts(1, "limits", "The most that is used."),
        Amounts(2, "requests", "What is set aside."));

    private static readonly Schema.Structure Port = Structure(Core + "ContainerPort", "A port of a container.",
        Number(3, "containerPort", "The port.").Required(),
        Text(5, "hostIP", "The address of the node for hostPort."),
        Number(2, "hostPort", "The port of the node that leads to it."),
        Text(1, "name", "A name that a Service's targetPort can use."),
        Text(4, "protocol", "The transport protocol.", "TCP", "UDP", "SCTP").DefaultsTo("\"TCP\""));

    private static readonly Schema.Structure ValueFrom = Structure(Core + "EnvVarSource", "Where a value comes from.",
        Of(3, "configMapKeyRef", Key("ConfigMapKeySelector"), "A key of a ConfigMap."),
        Of(1, "fieldRef", FieldRef, "A field of the pod."),
        Free(5, "fileKeyRef", "A key of a file."),
        Of(2, "resourceFieldRef", ResourceFieldRef, "A resource of a container."),
        Of(4, "secretKeyRef", Key("SecretKeySelector"), "A key of a Secret."));

    private static readonly Schema.Structure Variable = Structure(Core + "EnvVar", "An environment variable.",
        Text(1, "name", "Its name.").Required(),
        Text(2, "value", "Its value."),
        Of(3, "valueFrom", ValueFrom, "Where its value comes from."));

    private static readonly Schema.Structure Variables = Structure(Core + "EnvFromSource", "Many environment variables.",
        Of(2, "configMapRef", Source("ConfigMapEnvSource"), "A ConfigMap."),
        Text(1, "prefix", "What is put before each name."),
        Of(3, "secretRef", Source("SecretEnvSource"), "A Secret."));

    private static readonly Schema.Structure Mount = Structure(Core + "VolumeMount", "A volume in a container.",
        Text(3, "mountPath", "Where it is mounted.").Required(),
        Text(5, "mountPropagation", "Whether mounts pass between node and container."),
        Text(1, "name", "The volume.").Required(),
        Flag(2, "readOnly", "It cannot be written."),
        Text(7, "recursiveReadOnly", "Whether mounts below it cannot be written either."),
        Text(4, "subPath", "The part of the volume that is mounted."),
        Text(6, "subPathExpr", "The same, with variables."));

    private static readonly Schema.Structure Device = Structure(Core + "VolumeDevice", "A raw block device in a container.",
        Text(2, "devicePath", "The device.").Required(),
        Text(1, "name", "The claim.").Required());

    private static readonly Schema.Structure Resize = Structure(Core + "ContainerResizePolicy", "What a change of a resource does.",
        Text(1, "resourceName", "The resource.").Required(),
        Text(2, "restartPolicy", "Whether the container starts anew.").Required());

    private static readonly IReadOnlyList<Field> Common =
    [
        Texts(4, "args", "Arguments of the command."),
        Texts(3, "command", "What is run; what the image says when absent."),
        ListBy(7, "env", Variable, "Environment variables.", "name"),
        List(19, "envFrom", Variables, "Environment variables of a ConfigMap or Secret."),
        Text(2, "image", "The image."),
        Text(14, "imagePullPolicy", "When the image is fetched.", "Always", "IfNotPresent", "Never"),
        Of(12, "lifecycle", ProbeSchemas.Lifecycle, "What is done at moments of its life."),
        Of(10, "livenessProbe", ProbeSchemas.Probe, "When it fails, the container starts anew."),
        Text(1, "name", "Unique in the pod.").Required(),
        ListBy(6, "ports", Port, "Its ports.", "containerPort", "protocol"),
        Of(11, "readinessProbe", ProbeSchemas.Probe, "When it fails, the pod gets no new connections."),
        List(23, "resizePolicy", Resize, "What a change of resources does."),
        Of(8, "resources", Resources, "How much of the node's resources it uses.").DefaultsTo("{}"),
        Text(24, "restartPolicy", "Whether it starts anew when it has ended."),
        Of(25, "restartPolicyRules", new Schema.List(new Schema.Free()), "Which ends are followed by a new start."),
        Of(15, "securityContext", SecuritySchemas.Container, "Its rights."),
        Of(22, "startupProbe", ProbeSchemas.Probe, "Until it succeeds, no other probe runs."),
        Flag(16, "stdin", "Its standard input stays open."),
        Flag(17, "stdinOnce", "Its standard input is closed after the first session."),
        Text(13, "terminationMessagePath", "The file with its last words.").DefaultsTo("\"/dev/termination-log\""),
        Text(20, "terminationMessagePolicy", "Where its last words come from.", "File", "FallbackToLogsOnError").DefaultsTo("\"File\""),
        Flag(18, "tty", "It has a terminal."),
        ListBy(21, "volumeDevices", Device, "Raw block devices.", "devicePath"),
        ListBy(9, "volumeMounts", Mount, "Volumes.", "mountPath"),
        Text(5, "workingDir", "Its working folder."),
    ];

    public static Schema.Structure Container { get; } = Structure(Core + "Container", "A container of a pod.", Common);

    public static Schema.Structure Ephemeral { get; } = Structure(Core + "EphemeralContainer", "A container that was added to a running pod.",
        [.. Embedded(1, Common), Text(2, "targetContainerName", "The container whose processes it sees.")]);

    private static Schema.Structure Key(string name) => Structure(Core + name, "A key of an object.",
        [Text(2, "key", "The key.").Required(), .. Embedded(1, Name), Flag(3, "optional", "It need not exist.").Nullable()]).Atomic();

    private static Schema.Structure Source(string name) => Structure(Core + name, "An object with variables.",
        [.. Embedded(1, Name), Flag(2, "optional", "It need not exist.").Nullable()]);
}
