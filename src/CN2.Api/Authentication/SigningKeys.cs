using Microsoft.IdentityModel.Tokens;

namespace CN2.Api.Authentication;

/// <summary>The keys of the identity provider at one time. Two are the same only when they are one object.</summary>
internal sealed class SigningKeys
{
    private readonly Dictionary<string, CancellationTokenSource> _ends;

    /// <param name="issuer">What the provider calls itself; null: it is not known yet.</param>
    /// <param name="keys">Public keys that may check signatures.</param>
    public SigningKeys(string? issuer, IReadOnlyList<SecurityKey> keys)
        : this(issuer, keys, [])
    {
    }

    private SigningKeys(string? issuer, IReadOnlyList<SecurityKey> keys, Dictionary<string, CancellationTokenSource> kept)
    {
        (Issuer, All) = (issuer, keys);
        _ends = Names(keys).ToDictionary(n => n, n => kept.GetValueOrDefault(n) ?? new CancellationTokenSource());
    }

    /// <summary>Before the provider has been reached.</summary>
    public static SigningKeys Unknown { get; } = new(null, []);

    public string? Issuer { get; }

    public IReadOnlyList<SecurityKey> All { get; }

    /// <summary>Those that a token can be signed by: the one that it names, or all when it names none.</summary>
    public IReadOnlyList<SecurityKey> For(string? keyId) => string.IsNullOrEmpty(keyId) ? All : [.. All.Where(k => k.KeyId == keyId)];

    /// <summary>The same keys by the same names, whatever their order.</summary>
    public bool SameAs(SigningKeys other) => Issuer == other.Issuer && Names(All).SetEquals(Names(other.All));

    /// <summary>The keys that come after these. A key that stays goes on: what was opened by it does not end.</summary>
    public SigningKeys Next(string? issuer, IReadOnlyList<SecurityKey> keys) => new(issuer, keys, issuer == Issuer ? _ends : []);

    /// <summary>Ends what was opened by keys that are not among the next ones. After those are in use, so that nothing more is opened by these.</summary>
    public void EndAllBut(SigningKeys next)
    {
        foreach (var (name, end) in _ends)
        {
            if (!ReferenceEquals(next._ends.GetValueOrDefault(name), end)) end.Cancel(); // not disposed: somebody may be about to register with its token
        }
    }

    /// <summary>Cancelled when the provider has taken back this key. A key that is none of these has ended.</summary>
    public CancellationToken EndOf(SecurityKey? key) => key is not null && _ends.TryGetValue(NameOf(key), out var end) ? end.Token : new CancellationToken(canceled: true);

    private static HashSet<string> Names(IEnumerable<SecurityKey> of) => [.. of.Select(NameOf)];

    private static string NameOf(SecurityKey key) => $"{key.KeyId} {(key.CanComputeJwkThumbprint() ? Convert.ToHexString(key.ComputeJwkThumbprint()) : "")}";
}
