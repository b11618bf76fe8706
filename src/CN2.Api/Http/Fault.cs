namespace CN2.Api.Http;

/// <summary>What is wrong with one member; <paramref name="Path"/> as in <c>ports[0].port</c>, <c>$</c> for the body itself.</summary>
public readonly record struct Fault(string Path, string Message);
