using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace CN2.Api.AgentCertificates;

/// <summary>
/// A join token: <c>cn2j_</c> and 32 random bytes as 43 characters of base64url. Nobody can try so many, so SHA-256 without salt keeps it, and the hash finds the
/// token. A VirtualRouter has one at most: a new one takes the place of the one before.
/// </summary>
internal static class JoinToken
{
    public const string Prefix = "cn2j_";

    public const int MostCharacters = 100;

    private const int RandomBytes = 32;

    public static readonly TimeSpan Life = TimeSpan.FromHours(1);

    /// <summary>It tells nothing about which VirtualRouters exist.</summary>
    public static readonly IssuanceOutcome.Refused Unknown = new(
        IssuanceRefusal.UnknownToken,
        "this is no join token, or a newer one has taken its place, or its VirtualRouter was deleted; make one with POST /v1/virtual-routers/NAME:join-token");

    public static string New() => Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(RandomBytes));

    /// <summary>What is kept of it.</summary>
    public static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));

    /// <summary>Why a token cannot be used; null: it can.</summary>
    /// <param name="row">What is known of it; null: nothing.</param>
    /// <param name="name">The VirtualRouter that the agent wants to be; empty: that of the token.</param>
    /// <param name="now">This moment.</param>
    public static IssuanceOutcome.Refused? RefusalOf(JoinTokenRow? row, string name, DateTimeOffset now) => row switch
    {
        null => Unknown,
        { UsedAt: not null } => new(IssuanceRefusal.UsedToken, "the join token was used already, and each counts once; make a new one with POST /v1/virtual-routers/NAME:join-token"),
        _ when row.ExpiresAt <= now => new(
            IssuanceRefusal.ExpiredToken, $"the hour of the join token ended at {row.ExpiresAt.UtcDateTime:u}; make a new one with POST /v1/virtual-routers/NAME:join-token"),
        _ when name.Length > 0 && name != row.Name => new(IssuanceRefusal.OtherName, "the join token is not for the VirtualRouter of this --name; leave --name out to be the one that the token is for"),
        _ => null,
    };
}
