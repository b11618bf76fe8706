namespace CN2.Api.Access;

/// <summary>An endpoint that asks nobody who they are: health, and what documents the API.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
internal sealed class OpenToAllAttribute : Attribute;
