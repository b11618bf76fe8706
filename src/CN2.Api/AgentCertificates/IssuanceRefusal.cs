namespace CN2.Api.AgentCertificates;

/// <summary>Why an agent gets no certificate.</summary>
internal enum IssuanceRefusal
{
    /// <summary>It is no join token, or not any more.</summary>
    UnknownToken,

    /// <summary>The token was used.</summary>
    UsedToken,

    /// <summary>The hour of the token is over.</summary>
    ExpiredToken,

    /// <summary>The token is for another VirtualRouter.</summary>
    OtherName,

    /// <summary>The certificate request cannot be taken.</summary>
    WrongRequest,

    /// <summary>The VirtualRouter has as many certificates as it may have.</summary>
    TooMany,

    /// <summary>Not at this moment.</summary>
    Unavailable,
}
