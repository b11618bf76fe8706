namespace CN2.Network.Selection;

/// <summary>A fault of a selector; <paramref name="Member"/> is its place below it (<c>matchExpressions[0].operator</c>).</summary>
public sealed record SelectorFault(string Member, string Message);
