namespace CN2.Api.Data.Rows;

/// <summary>An API token. Its secret is nowhere; what is kept is the hash by which it is found.</summary>
public sealed class ApiTokenRow : ResourceRow
{
    /// <summary>SHA-256 of the secret.</summary>
    public required byte[] SecretHash { get; set; }

    /// <summary>Null: it does not expire.</summary>
    public DateTimeOffset? ExpiresAt { get; set; }

    /// <summary>Within a minute; null: never.</summary>
    public DateTimeOffset? LastUsedAt { get; set; }
}
