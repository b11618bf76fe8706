using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CN2.Api.Authentication;
using CN2.Api.Data;
using CN2.Api.Drivers;
using CN2.Api.Drivers.VRouterStream;
using CN2.Api.Options;
using Npgsql;

namespace CN2.Api.AgentCertificates;

/// <summary>
/// The certificates that are worth something, in memory (<see cref="VersionWatch"/>), so that agents connect while the database is away. With each look it
/// ends the streams of those that are worth nothing any more: revoked, or at their end.
/// </summary>
internal sealed partial class AgentCertificateRegistry : IVRouterAuthentication
{
    /// <summary>An agent of an earlier version gives a server 1.9 s to answer its hello.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private const string NoMore = "was revoked, or its VirtualRouter was deleted, or it was not issued by a join (no other certificate counts); join again with a new token (cn2-vrouter join --force)";

    private readonly VersionWatch _watch;
    private readonly VersionedTables _tables;
    private readonly AgentAuthority _authority;
    private readonly AgentOptions _options;
    private readonly VRouterStreamPublisher _publisher;
    private readonly FailedAttempts _attempts;
    private readonly TimeProvider _time;
    private readonly ILogger<AgentCertificateRegistry> _logger;
    private volatile Dictionary<string, VRouterIdentity> _known = [];

    public AgentCertificateRegistry(
        [FromKeyedServices(VersionWatch.AgentCertificates)] VersionWatch watch, AgentAuthority authority, AgentOptions options, ListenerOptions listen, VRouterStreamPublisher publisher,
        FailedAttempts attempts, TimeProvider time, ILogger<AgentCertificateRegistry> logger)
    {
        (_watch, _authority, _options, _publisher, _attempts, _time, _logger) = (watch, authority, options, publisher, attempts, time, logger);
        _tables = new VersionedTables(ReadAsync, LogAway) { Turned = Turn };
        if (ListenerOptions.IsTls(listen.GrpcUrl)) watch.Add(_tables); // else nobody can show a certificate
    }

    /// <summary>SHA-256 of a certificate, in hexadecimal.</summary>
    public static string FingerprintOf(X509Certificate2 certificate) => certificate.GetCertHashString(HashAlgorithmName.SHA256);

    public async Task<VRouterIdentification> IdentifyAsync(X509Certificate2? certificate, IPAddress? source, CancellationToken cancellationToken) =>
        _options.IsRequired ? await RecognizeAsync(certificate, source, cancellationToken) : new VRouterIdentification.NotAsked();

    /// <summary>
    /// Whose certificate it is, also where agents need none. One that does not count costs its address an attempt, as a join token does; without attempts only certificates
    /// that are known go on.
    /// </summary>
    public async Task<VRouterIdentification> RecognizeAsync(X509Certificate2? certificate, IPAddress? source, CancellationToken ct)
    {
        if ((certificate is null || !IsKnown(certificate)) && !_attempts.MayTry(source))
            return new VRouterIdentification.TooMany("this address has sent too many calls without a certificate that counts; try again in some seconds");
        var found = await RecognizeAsync(certificate, ct);
        if (found is VRouterIdentification.Refused) _attempts.TryTake(source);
        return found;
    }

    /// <summary>It was found right before, and has not ended. It asks nobody.</summary>
    private bool IsKnown(X509Certificate2 certificate) => _known.TryGetValue(FingerprintOf(certificate), out var identity) && identity.NotAfter >= _time.GetUtcNow();

    private async Task<VRouterIdentification> RecognizeAsync(X509Certificate2? certificate, CancellationToken ct)
    {
        if (certificate is null) return Refused("the agent shows no certificate; get one with cn2-vrouter join, and start the agent with the same --state-dir");
        using var patience = new CancellationTokenSource(Patience, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, ct);
        try
        {
            var ca = _authority.Current ?? await _authority.GetAsync(both.Token);
            if (ca.FaultOf(certificate, _time.GetUtcNow()) is { } fault) return Refused($"the certificate of the agent {fault}");
            var fingerprint = FingerprintOf(certificate);
            if (_known.TryGetValue(fingerprint, out var identity)) return new VRouterIdentification.Known(identity);
            await RefreshAsync(both.Token); // it may have been issued a moment ago
            if (_known.TryGetValue(fingerprint, out identity)) return new VRouterIdentification.Known(identity);
            return _tables.Fault is { } away ? Unavailable(away) : Refused($"the certificate of the agent {NoMore}");
        }
        catch (Exception e) when (!ct.IsCancellationRequested && (e is OperationCanceledException or NpgsqlException or Secrets.SecretsLockedException || PostgresErrors.IsAway(e)))
        {
            return Unavailable(e);
        }

        static VRouterIdentification Refused(string reason) => new VRouterIdentification.Refused(reason);

        static VRouterIdentification Unavailable(Exception e) =>
            new VRouterIdentification.Unavailable($"the certificate of the agent cannot be looked up at this moment ({e.GetBaseException().Message.TrimEnd('.')})");
    }

    public string? EndOf(VRouterIdentity identity) =>
        identity.NotAfter < _time.GetUtcNow() ? $"the certificate of the agent has expired on {identity.NotAfter.UtcDateTime:u}"
        : !_known.ContainsKey(identity.Fingerprint) ? $"the certificate of the agent {NoMore}"
        : null;

    /// <summary>Looks now whether they have changed.</summary>
    public Task RefreshAsync(CancellationToken ct) => _watch.RefreshAsync(ct);

    private static VRouterIdentity IdentityOf(IssuedAgentCertificate issued) => new(issued.VirtualRouter, issued.Name, Convert.ToHexString(issued.Fingerprint), issued.NotAfter);

    private async Task ReadAsync(NpgsqlConnection connection, CancellationToken ct) =>
        _known = (await AgentCertificateTable.AllAsync(connection, ct)).Select(IdentityOf).ToDictionary(i => i.Fingerprint);

    private void Turn()
    {
        _authority.Refresh();
        _publisher.EndWorthless(EndOf);
    }

    [LoggerMessage(EventId = 155, Level = LogLevel.Warning, Message = "The certificates of agents cannot be read; those that are known stay in use: {Reason}")]
    private partial void LogAway(string reason);
}
