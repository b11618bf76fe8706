using static CN2.Api.Kubernetes.Schemas.Define;
using static CN2.Api.Kubernetes.Schemas.ReferenceSchemas;

namespace CN2.Api.Kubernetes.Schemas;

/// <summary>Rights of the processes of a pod. Kept as they were written.</summary>
internal static class SecuritySchemas
{
    private static readonly Schema.Structure SELinux = Structure(Core + "SELinuxOptions", "The SELinux context.",
        Text(4, "level", "The level."),
        Text(2, "role", "The role."),
        Text(3, "type", "The type."),
        Text(1, "user", "The user."));

    private static readonly Schema.Structure Windows = Structure(Core + "WindowsSecurityContextOptions", "What concerns Windows.",
        Text(2, "gmsaCredentialSpec", "The credential specification."),
        Text(1, "gmsaCredentialSpecName", "The name of the credential specification."),
        Flag(4, "hostProcess", "It runs as a process of the host.").Nullable(),
        Text(3, "runAsUserName", "The user."));

    private static readonly Schema.Structure Capabilities = Structure(Core + "Capabilities", "Single rights.",
        Texts(1, "add", "Rights that are given."),
        Texts(2, "drop", "Rights that are taken."));

    private static readonly Field AppArmor = Of(12, "appArmorProfile", Profile("AppArmorProfile"), "The AppArmor profile.");
    private static readonly Field Seccomp = Of(11, "seccompProfile", Profile("SeccompProfile"), "The seccomp profile.");

    public static Schema.Structure Container { get; } = Structure(Core + "SecurityContext", "Rights of a container.",
        Flag(7, "allowPrivilegeEscalation", "A process may get more rights than its parent.").Nullable(),
        AppArmor,
        Of(1, "capabilities", Capabilities, "Single rights."),
        Flag(2, "privileged", "It has the rights of root on the node.").Nullable(),
        Text(9, "procMount", "How /proc is mounted."),
        Flag(6, "readOnlyRootFilesystem", "Its root file system is read-only.").Nullable(),
        Long(8, "runAsGroup", "The group its processes run as.").Nullable(),
        Flag(5, "runAsNonRoot", "It must not run as root.").Nullable(),
        Long(4, "runAsUser", "The user its processes run as.").Nullable(),
        Of(3, "seLinuxOptions", SELinux, "The SELinux context."),
        Seccomp,
        Of(10, "windowsOptions", Windows, "What concerns Windows."));

    public static Schema.Structure Pod { get; } = Structure(Core + "PodSecurityContext", "Rights of all containers of a pod.",
        AppArmor with { Number = 11 },
        Long(5, "fsGroup", "The group that owns its volumes.").Nullable(),
        Text(9, "fsGroupChangePolicy", "When the group of a volume is changed."),
        Long(6, "runAsGroup", "The group its processes run as.").Nullable(),
        Flag(3, "runAsNonRoot", "It must not run as root.").Nullable(),
        Long(2, "runAsUser", "The user its processes run as.").Nullable(),
        Text(13, "seLinuxChangePolicy", "How volumes get their SELinux label."),
        Of(1, "seLinuxOptions", SELinux, "The SELinux context."),
        Seccomp with { Number = 10 },
        Of(4, "supplementalGroups", new Schema.List(new Schema.Number(IsLong: true)), "More groups of its processes."),
        Text(12, "supplementalGroupsPolicy", "Whether groups of the image count too."),
        List(7, "sysctls", Structure(Core + "Sysctl", "A kernel parameter.", Text(1, "name", "Its name.").Required(), Text(2, "value", "Its value.").Required()), "Kernel parameters."),
        Of(8, "windowsOptions", Windows, "What concerns Windows."));

    private static Schema.Structure Profile(string name) => Structure(Core + name, "A profile that limits system calls or access.",
        Text(2, "localhostProfile", "The profile, on the node."),
        Text(1, "type", "Localhost, RuntimeDefault or Unconfined.").Required());
}
