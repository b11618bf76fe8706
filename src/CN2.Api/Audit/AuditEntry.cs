namespace CN2.Api.Audit;

/// <summary>A line of the audit log: a write, or a refusal.</summary>
/// <param name="Origin">Who asked.</param>
/// <param name="At">When.</param>
/// <param name="Subject">What it is about.</param>
/// <param name="Status">The status code of the answer.</param>
public sealed record AuditEntry(AuditOrigin Origin, DateTimeOffset At, AuditSubject Subject, int Status)
{
    /// <summary><c>create</c>, <c>update</c>, <c>patch</c>, <c>delete</c>, <c>read</c> (of a refused one), or an action such as <c>join-token</c>.</summary>
    public string Verb { get; init; } = VerbOf(Origin, Status);

    /// <summary>Why it was refused: a code of <c>/v1</c>, or a reason of the Kubernetes API; null: it was not.</summary>
    public string? Code { get; init; }

    /// <summary>Nothing was kept.</summary>
    public bool IsDryRun { get; init; }

    /// <summary>The fields that differ since, such as <c>ports[0].port</c>, without their values; at most <see cref="CN2.Network.Resources.Limits.AuditedFields"/>.</summary>
    public IReadOnlyList<string> Changes { get; init; } = [];

    /// <summary>How many alike ones came within a second. More than one only of refusals.</summary>
    public int Repeated { get; init; } = 1;

    private static string VerbOf(AuditOrigin origin, int status) => (origin.Method, origin.Target.Action) switch
    {
        ("POST", { } action) => action,
        _ when status == StatusCodes.Status201Created => "create",
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        ("DELETE", _) => "delete",
        ("GET" or "HEAD", _) => "read",
        _ => origin.Method.ToLowerInvariant(),
    };
}
