using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CN2.Api.Data;
using CN2.Api.Drivers;
using CN2.Api.Drivers.VRouterStream;
using CN2.Api.Options;
using Npgsql;

namespace CN2.Api.AgentCertificates;

/// <summary>
/// The certificates that are worth something, in memory, so that agents connect while the database is away. Twice a second it asks whether they have changed,
/// and ends the streams of those that are worth nothing any more: revoked, or at their end. Not by the change feed, which an open transaction elsewhere may hold back.
/// </summary>
internal sealed partial class AgentCertificateRegistry(
    AgentCertificateTable table, AgentAuthority authority, AgentOptions options, ListenerOptions listen, VRouterStreamPublisher publisher, TimeProvider time, ILogger<AgentCertificateRegistry> logger)
    : BackgroundService, IVRouterAuthentication
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    /// <summary>An agent gives a server 1.9 s to answer its hello.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private const string NoMore = "was revoked, or its VirtualRouter was deleted; join again with a new token (cn2-vrouter join)";

    private readonly SemaphoreSlim _turn = new(1);
    private volatile Dictionary<string, VRouterIdentity> _known = [];
    private long _version = -1;
    private bool _isAway;

    /// <summary>SHA-256 of a certificate, in hexadecimal.</summary>
    public static string FingerprintOf(X509Certificate2 certificate) => certificate.GetCertHashString(HashAlgorithmName.SHA256);

    public async Task<VRouterIdentification> IdentifyAsync(X509Certificate2? certificate, CancellationToken cancellationToken) =>
        options.IsRequired ? await RecognizeAsync(certificate, cancellationToken) : new VRouterIdentification.NotAsked();

    /// <summary>Whose certificate it is, also where agents need none.</summary>
    public async Task<VRouterIdentification> RecognizeAsync(X509Certificate2? certificate, CancellationToken ct)
    {
        if (certificate is null) return Refused("the agent shows no certificate; get one with cn2-vrouter join, and start the agent with the same --state-dir");
        using var patience = new CancellationTokenSource(Patience, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, ct);
        try
        {
            var ca = authority.Current ?? await authority.GetAsync(both.Token);
            if (ca.FaultOf(certificate, time.GetUtcNow()) is { } fault) return Refused($"the certificate of the agent {fault}");
            var fingerprint = FingerprintOf(certificate);
            if (_known.TryGetValue(fingerprint, out var identity)) return new VRouterIdentification.Known(identity);
            await RefreshAsync(both.Token); // it may have been issued a moment ago
            return _known.TryGetValue(fingerprint, out identity) ? new VRouterIdentification.Known(identity) : Refused($"the certificate of the agent {NoMore}");
        }
        catch (Exception e) when (!ct.IsCancellationRequested && (e is OperationCanceledException or NpgsqlException or Secrets.SecretsLockedException || PostgresErrors.IsAway(e)))
        {
            return new VRouterIdentification.Unavailable($"the certificate of the agent cannot be looked up at this moment ({e.GetBaseException().Message.TrimEnd('.')})");
        }

        static VRouterIdentification Refused(string reason) => new VRouterIdentification.Refused(reason);
    }

    public string? EndOf(VRouterIdentity identity) =>
        identity.NotAfter < time.GetUtcNow() ? $"the certificate of the agent has expired on {identity.NotAfter.UtcDateTime:u}"
        : !_known.ContainsKey(identity.Fingerprint) ? $"the certificate of the agent {NoMore}"
        : null;

    /// <summary>Reads what has changed. In turns: an earlier reading never takes the place of a later one.</summary>
    public async Task RefreshAsync(CancellationToken ct)
    {
        await _turn.WaitAsync(ct);
        try
        {
            // First, so that what changes while the rows are read is read again.
            var version = await table.VersionAsync(ct);
            if (version == _version) return;
            _known = (await table.AllAsync(ct)).Select(IdentityOf).ToDictionary(i => i.Fingerprint);
            _version = version;
        }
        finally
        {
            _turn.Release();
        }
    }

    public override void Dispose()
    {
        _turn.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!ListenerOptions.IsTls(listen.GrpcUrl)) return; // nobody can show a certificate
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            do
            {
                await TurnAsync(stoppingToken);
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process stops.
        }
    }

    private static VRouterIdentity IdentityOf(IssuedAgentCertificate issued) => new(issued.VirtualRouter, issued.Name, Convert.ToHexString(issued.Fingerprint), issued.NotAfter);

    private async Task TurnAsync(CancellationToken ct)
    {
        try
        {
            authority.Refresh();
            await RefreshAsync(ct);
            _isAway = false;
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            // Whatever it is, agents that are known go on.
            if (!_isAway) LogAway(e.GetBaseException().Message);
            _isAway = true;
        }

        publisher.EndWorthless(EndOf);
    }

    [LoggerMessage(EventId = 155, Level = LogLevel.Warning, Message = "The certificates of agents cannot be read; those that are known stay in use: {Reason}")]
    private partial void LogAway(string reason);
}
