namespace CN2.Api.Audit;

/// <summary>What was written.</summary>
/// <param name="Resource">As <see cref="AuditTarget.Resource"/>.</param>
/// <param name="Namespace">Of a Namespace its own name, so that who asks for a namespace finds who deleted it; null: the kind has none.</param>
/// <param name="Name">Null: it is not known.</param>
/// <param name="Uid">Null: it is not known.</param>
/// <param name="Generation">After the write, of a deletion before it; null: it is not known.</param>
public sealed record AuditSubject(string? Resource, string? Namespace, string? Name, Guid? Uid, long? Generation)
{
    public string? Namespace { get; init; } = Namespace ?? (Resource == "namespaces" ? Name : null);

    /// <summary>What the path names, when no more is known.</summary>
    public static AuditSubject Of(AuditTarget target) => new(target.Resource, target.Namespace, target.Name, null, null);
}
