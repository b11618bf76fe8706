using Microsoft.IdentityModel.Tokens;

namespace CN2.Api.Authentication;

/// <summary>The keys of the identity provider at one time. Two are the same only when they are one object.</summary>
/// <param name="issuer">What the provider calls itself; null: it is not known yet.</param>
/// <param name="keys">Public keys that may check signatures.</param>
internal sealed class SigningKeys(string? issuer, IReadOnlyList<SecurityKey> keys)
{
    /// <summary>Before the provider has been reached.</summary>
    public static SigningKeys Unknown { get; } = new(null, []);

    public string? Issuer => issuer;

    public IReadOnlyList<SecurityKey> All => keys;

    /// <summary>Those that a token can be signed by: the one that it names, or all when it names none.</summary>
    public IReadOnlyList<SecurityKey> For(string? keyId) => string.IsNullOrEmpty(keyId) ? keys : [.. keys.Where(k => k.KeyId == keyId)];

    /// <summary>The same keys by the same names, whatever their order.</summary>
    public bool SameAs(SigningKeys other) => issuer == other.Issuer && Names(keys).SetEquals(Names(other.All));

    private static HashSet<string> Names(IEnumerable<SecurityKey> of) => [.. of.Select(k => $"{k.KeyId} {(k.CanComputeJwkThumbprint() ? Convert.ToHexString(k.ComputeJwkThumbprint()) : "")}")];
}
