namespace CN2.Api.Authorization;

/// <summary>Who is an admin, from nobody to somebody who stays one. The order counts: a write may not take one step down.</summary>
public enum AdminPresence
{
    /// <summary>Nobody.</summary>
    None = 0,

    /// <summary>Only API tokens that expire, the last of them some day.</summary>
    UntilExpiry = 1,

    /// <summary>A user, a group, or an API token without <c>expiresAt</c>.</summary>
    Lasting = 2,
}
