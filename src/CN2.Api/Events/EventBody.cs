namespace CN2.Api.Events;

/// <summary>Something that happened, and why.</summary>
/// <param name="Regarding">The resource: <c>services/ns1/my-service</c>.</param>
/// <param name="At">When it happened.</param>
/// <param name="Type">Normal or Warning.</param>
/// <param name="Reason">One word, for programs.</param>
/// <param name="Message">A sentence for people.</param>
public sealed record EventBody(string Regarding, DateTimeOffset At, string Type, string Reason, string Message);
