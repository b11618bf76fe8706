namespace CN2.Api.Access;

/// <summary>What <see cref="AccessRules"/> says of a request.</summary>
public enum AccessDecision
{
    /// <summary>403. It does not depend on what is in the database, so it tells nothing of it.</summary>
    Refused,

    /// <summary>
    /// The caller may see some of what the request asks for: whoever answers shows that only (<see cref="NamespaceScope"/>), and answers 403 for a single
    /// resource that is not among it or does not exist.
    /// </summary>
    Filtered,

    Allowed,
}
