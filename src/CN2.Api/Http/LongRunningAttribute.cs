namespace CN2.Api.Http;

/// <summary>An endpoint whose answer has no end: <see cref="RequestDeadline"/> leaves it alone.</summary>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Class)]
public sealed class LongRunningAttribute : Attribute;
