namespace CN2.Api.Services;

/// <summary>A Service to be created.</summary>
public sealed record ServiceDraft(string Namespace, ServiceRequest Request);
