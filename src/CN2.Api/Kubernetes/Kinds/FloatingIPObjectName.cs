namespace CN2.Api.Kubernetes.Kinds;

/// <summary>
/// FloatingIPs are cluster-scoped in CN2, and ours lie in namespaces. One that a Service allocated has CN2's name, which no two namespaces share, and
/// keeps it. One that a user reserved is named <c>namespace.name</c>: neither part can have a dot.
/// </summary>
internal static class FloatingIPObjectName
{
    public static string Of(string ns, string name, bool isReserved) => isReserved ? $"{ns}.{name}" : name;

    /// <summary>The parts of a reserved one's name; null: it is the name of one that a Service allocated.</summary>
    public static (string Namespace, string Name)? Split(string name) =>
        name.IndexOf('.', StringComparison.Ordinal) is > 0 and var dot && name.Length > dot + 1 && name.IndexOf('.', dot + 1) < 0 ? (name[..dot], name[(dot + 1)..]) : null;
}
