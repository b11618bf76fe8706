using Npgsql;

namespace CN2.Api.AgentCertificates;

/// <summary>What the REST action needs. (An interface, because controllers are public and the CA is not.)</summary>
public interface IJoinTokens
{
    /// <summary><c>sha256:…</c> of the agents' CA, which is made when there is none.</summary>
    Task<string> CaHashAsync(CancellationToken ct);

    /// <summary>Keeps a token of the VirtualRouter in the place of the one before. False: there is no such VirtualRouter.</summary>
    Task<bool> TryReplaceAsync(NpgsqlConnection connection, string virtualRouter, byte[] hash, DateTimeOffset expiresAt, CancellationToken ct);
}
