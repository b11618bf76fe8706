namespace CN2.Api.Access;

/// <summary>Whom a role binding names.</summary>
public enum SubjectKind
{
    /// <summary>A user by the name that its identity provider or its client certificate gives it.</summary>
    User,

    /// <summary>Every user of a group of the identity provider or of a client certificate.</summary>
    Group,

    /// <summary>An API token of this server by its name.</summary>
    Token,
}
