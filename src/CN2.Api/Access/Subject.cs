namespace CN2.Api.Access;

/// <summary>Whom a role binding names.</summary>
public readonly record struct Subject(SubjectKind Kind, string Name);
