using System.Security.Cryptography.X509Certificates;
using CN2.Api.Audit;
using CN2.Api.Data;
using CN2.Api.Drivers;
using CN2.Api.Options;
using CN2.Api.Secrets;
using CN2.Network.Resources;
using Npgsql;

namespace CN2.Api.AgentCertificates;

/// <summary>Issues certificates to agents: for a join token, and for a certificate that is still valid.</summary>
internal sealed partial class AgentIssuance(
    AgentAuthority authority, AgentCertificateTable table, AgentOptions options, ControlNodeOptions names, AuditLog log, TimeProvider time, ILogger<AgentIssuance> logger) : IDisposable
{
    /// <summary>Issuing takes a processor: agents that come at the same time take turns, and leave the others to the rest of the server.</summary>
    private readonly SemaphoreSlim _turns = new(2);

    /// <param name="token">The join token.</param>
    /// <param name="name">The VirtualRouter that the agent wants to be; empty: that of the token.</param>
    /// <param name="request">PKCS #10.</param>
    /// <param name="http">The call, for the event and the audit log.</param>
    /// <param name="ct">Ends it.</param>
    public Task<IssuanceOutcome> JoinAsync(string token, string name, ReadOnlyMemory<byte> request, HttpContext http, CancellationToken ct) => InTurnAsync(async () =>
    {
        var hash = JoinToken.Hash(token);
        // First, because it is what strangers do not have: nobody without a token makes the server check signatures.
        var row = token.Length > JoinToken.MostCharacters ? null : await table.FindTokenAsync(hash, ct);
        if (JoinToken.RefusalOf(row, name, time.GetUtcNow()) is { } refusal) return refusal;
        var (issued, certificate, serial, fault) = await SignAsync(row!.VirtualRouter, row.Name, request, ct);
        if (fault is not null) return fault;
        var entry = EntryOf(http, "join", issued!);
        var from = entry.Origin.Source?.ToString() ?? "an unknown address";
        if (!await table.JoinAsync(hash, issued!, serial, entry, from, time.GetUtcNow(), ct))
            return JoinToken.RefusalOf(await table.FindTokenAsync(hash, ct), name, time.GetUtcNow()) ?? JoinToken.Unknown;
        log.Write([entry]);
        LogJoined(row.Name, from, issued!.NotAfter.UtcDateTime);
        return new IssuanceOutcome.Issued(row.Name, certificate!, authority.Current!);
    }, ct);

    public Task<IssuanceOutcome> RenewAsync(VRouterIdentity identity, ReadOnlyMemory<byte> request, HttpContext http, CancellationToken ct) => InTurnAsync(async () =>
    {
        var (issued, certificate, serial, fault) = await SignAsync(identity.Uid, identity.Name, request, ct);
        if (fault is not null) return fault;
        var entry = EntryOf(http, "renew", issued!);
        if (!await table.RenewAsync(issued!, serial, entry, time.GetUtcNow(), ct))
        {
            return new IssuanceOutcome.Refused(
                IssuanceRefusal.TooMany,
                $"VirtualRouter {identity.Name} has {Limits.CertificatesOfAgent} certificates that are valid, or is gone; wait until one ends, or join again with a new token");
        }

        log.Write([entry]);
        LogRenewed(identity.Name, issued!.NotAfter.UtcDateTime);
        return new IssuanceOutcome.Issued(identity.Name, certificate!, authority.Current!);
    }, ct);

    public void Dispose() => _turns.Dispose();

    private AuditEntry EntryOf(HttpContext http, string action, IssuedAgentCertificate issued) => new(
        AuditOrigin.OfAgent(http, action, issued.Name), time.GetStorableNow(), new AuditSubject("virtual-routers", null, issued.Name, issued.VirtualRouter, null), StatusCodes.Status200OK);

    private async Task<(IssuedAgentCertificate? Issued, X509Certificate2? Certificate, byte[] Serial, IssuanceOutcome.Refused? Fault)> SignAsync(
        Guid uid, string name, ReadOnlyMemory<byte> request, CancellationToken ct)
    {
        if (AgentKeyRequest.Read(request.Span, out var fault) is not { } key) return (null, null, [], new(IssuanceRefusal.WrongRequest, fault));
        var ca = await authority.GetAsync(ct);
        var now = time.GetUtcNow();
        if (!ca.MayIssue) return (null, null, [], new(IssuanceRefusal.Unavailable, "this control node cannot read the key of the agents' CA; its log says what to do"));
        if (ca.Issuer.NotAfter.ToUniversalTime() < now) return (null, null, [], new(IssuanceRefusal.Unavailable, $"the agents' CA has expired on {ca.Issuer.NotAfter.ToUniversalTime():u}"));
        var certificate = ca.Issue(key, name, names.ClusterName, now, options.CertificateLife);
        var issued = new IssuedAgentCertificate(uid, name, Convert.FromHexString(AgentCertificateRegistry.FingerprintOf(certificate)), certificate.NotAfter.ToUniversalTime());
        return (issued, certificate, certificate.SerialNumberBytes.ToArray(), null);
    }

    private async Task<IssuanceOutcome> InTurnAsync(Func<Task<IssuanceOutcome>> issue, CancellationToken ct)
    {
        await _turns.WaitAsync(ct);
        try
        {
            return await issue();
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.ForeignKeyViolation)
        {
            return JoinToken.Unknown; // the VirtualRouter has just been deleted
        }
        catch (Exception e) when (!ct.IsCancellationRequested && (e is NpgsqlException or SecretsLockedException || PostgresErrors.IsAway(e)))
        {
            LogPostponed(e.GetBaseException().Message);
            return new IssuanceOutcome.Refused(IssuanceRefusal.Unavailable, "the control node cannot issue a certificate at this moment; its log says why; try again");
        }
        finally
        {
            _turns.Release();
        }
    }

    [LoggerMessage(EventId = 156, Level = LogLevel.Information, Message = "The agent of VirtualRouter {Name} has joined from {From}; its certificate is valid until {NotAfter:u}")]
    private partial void LogJoined(string name, string from, DateTime notAfter);

    [LoggerMessage(EventId = 157, Level = LogLevel.Information, Message = "The agent of VirtualRouter {Name} has renewed its certificate, which is valid until {NotAfter:u}")]
    private partial void LogRenewed(string name, DateTime notAfter);

    [LoggerMessage(EventId = 158, Level = LogLevel.Warning, Message = "A certificate for an agent could not be issued: {Reason}")]
    private partial void LogPostponed(string reason);
}
