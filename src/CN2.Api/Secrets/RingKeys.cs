namespace CN2.Api.Secrets;

/// <summary>The keys of the ring as they were read, and which of them protects what is written now. Pure.</summary>
internal sealed class RingKeys
{
    private readonly Dictionary<Guid, RingKey> _keys;

    /// <param name="keys">In the order of their numbers.</param>
    /// <param name="certificate">SHA-256 of this replica's certificate; null: it has none.</param>
    public RingKeys(IReadOnlyList<RingKey> keys, string? certificate)
    {
        All = keys;
        _keys = keys.ToDictionary(k => k.Id);
        // Without a certificate nothing is protected by a plain key once there was one: that would take back what the operator wanted.
        var candidates = certificate is null && keys.Any(k => k.Certificate is not null) ? [] : keys.Where(k => k.Certificate == certificate);
        Current = candidates.LastOrDefault(k => k.Encryptor is not null);
        LacksKey = Current is null && (certificate is not null || keys.All(k => k.Certificate is null));
        Foreign = keys.LastOrDefault(k => k.Encryptor is null)?.Certificate;
    }

    /// <summary>In the order of their numbers.</summary>
    public IReadOnlyList<RingKey> All { get; }

    /// <summary>Protects what is written now; null: no key can be used for that.</summary>
    public RingKey? Current { get; }

    /// <summary>A key must be made: there is none that this replica may protect by.</summary>
    public bool LacksKey { get; }

    /// <summary>SHA-256 of the certificate under which the newest key is that cannot be read here; null: there is no such key.</summary>
    public string? Foreign { get; }

    public RingKey? Find(Guid id) => _keys.GetValueOrDefault(id);
}
