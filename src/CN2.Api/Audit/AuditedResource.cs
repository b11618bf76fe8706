namespace CN2.Api.Audit;

/// <summary>Metadata of an endpoint whose path does not say by the words of <c>/v1</c> what it is about.</summary>
/// <param name="Name">As <see cref="AuditTarget.Resource"/>.</param>
/// <param name="Action">As <see cref="AuditTarget.Action"/>.</param>
internal sealed record AuditedResource(string Name, string? Action);
