namespace CN2.Api.Access;

/// <summary>What one role binding gives to each of its subjects.</summary>
/// <param name="Role">The role.</param>
/// <param name="Namespaces">Where; null: in all namespaces.</param>
public sealed record RoleGrant(Role Role, IReadOnlyList<string>? Namespaces);
