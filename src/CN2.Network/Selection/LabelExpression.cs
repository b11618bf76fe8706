namespace CN2.Network.Selection;

/// <summary>A matchExpressions entry as the user wrote it.</summary>
public sealed record LabelExpression(string? Key, string? Operator, IReadOnlyList<string>? Values);
