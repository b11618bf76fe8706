namespace CN2.Api.Access;

/// <summary>How a caller said who it is.</summary>
public enum CallerKind
{
    /// <summary>Nobody was asked.</summary>
    Anonymous,

    /// <summary>A JWT of an OpenID Connect provider, or a client certificate.</summary>
    User,

    /// <summary>An API token of this server.</summary>
    Token,
}
