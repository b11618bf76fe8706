namespace CN2.Api.Access;

/// <summary>An endpoint for every caller who has said who it is: what the Kubernetes API says of itself.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
internal sealed class OpenToCallersAttribute : Attribute;
