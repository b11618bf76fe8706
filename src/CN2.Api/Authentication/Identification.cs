using CN2.Api.Http;

namespace CN2.Api.Authentication;

/// <summary>What came of looking at what a caller has shown.</summary>
internal abstract record Identification
{
    private Identification()
    {
    }

    /// <summary>It is known who this is.</summary>
    public sealed record Known(Identity Identity) : Identification;

    /// <summary>It proves nothing. The reason is for the caller alone: the end of "the token …" or "the client certificate …", in ASCII without quotes.</summary>
    public sealed record Refused(string Reason) : Identification;

    /// <summary>It cannot be judged at the moment.</summary>
    public sealed record Undecided(ApiProblem Problem) : Identification;
}
