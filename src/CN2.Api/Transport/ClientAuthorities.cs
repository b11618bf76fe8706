using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using CN2.Api.Options;

namespace CN2.Api.Transport;

/// <summary><c>Auth__ClientCa__Path</c>. The file is read anew when it changes; what cannot be used is logged once, and the CAs before it stay.</summary>
internal sealed partial class ClientAuthorities : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly string? _path;
    private readonly ChangingFile<(string? Text, string? Fault)>? _file;
    private readonly TimeProvider _time;
    private readonly ILogger<ClientAuthorities> _logger;
    private CancellationTokenSource _replaced = new();
    private volatile ClientAuthoritySet? _current;
    private volatile Naming? _naming;

    /// <exception cref="InvalidOperationException">The file cannot be used; settings are checked before, so it has changed since.</exception>
    public ClientAuthorities(AuthOptions options, TimeProvider time, ILogger<ClientAuthorities> logger)
    {
        (_path, _time, _logger) = (options.ClientCaPath, time, logger);
        if (_path is null) return;
        var file = ClientCaFile.Read(_path);
        if (file.Fault is not null) throw new InvalidOperationException($"{_path} cannot be used: expected {file.Fault}.");
        _file = ChangingFile.Of(_path, file.Text);
        _current = new ClientAuthoritySet(file.Roots, file.Others, _replaced.Token);
    }

    /// <summary>Null: clients are not asked for a certificate.</summary>
    public ClientAuthoritySet? Current => _current;

    /// <summary>
    /// The server's certificate together with the names of the roots, which the handshake sends: a browser then offers certificates of these roots only, and
    /// none of others that its user happens to have.
    /// </summary>
    public SslStreamCertificateContext Name(SslStreamCertificateContext server, ClientAuthoritySet roots)
    {
        if (_naming is { } kept && ReferenceEquals(kept.Server, server) && ReferenceEquals(kept.Roots, roots)) return kept.Context;
        var trust = SslCertificateTrust.CreateForX509Collection([.. roots.Roots], sendTrustInHandshake: true);
        var context = SslStreamCertificateContext.Create(server.TargetCertificate, [.. server.IntermediateCertificates], offline: true, trust);
        _naming = new Naming(server, roots, context);
        return context;
    }

    public override void Dispose()
    {
        base.Dispose();
        _replaced.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (_file is null) return;
        using var timer = new PeriodicTimer(Interval, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                if (_file.TryLook(out var content)) Take(content.Text, content.Fault);
            }
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }

    private void Take(string? text, string? fault)
    {
        var file = text is null ? new ClientCaFile(null, [], [], fault) : ClientCaFile.Parse(text);
        if (file.Fault is not null)
        {
            LogRefused(_path!, file.Fault);
            return;
        }

        var before = _replaced;
        _replaced = new CancellationTokenSource();
        _current = new ClientAuthoritySet(file.Roots, file.Others, _replaced.Token);
        var names = string.Join("; ", file.Roots.Select(NameOf));
        LogTaken(_path!, names);
        before.Cancel(); // not disposed: somebody may be about to register with its token
    }

    private static string NameOf(X509Certificate2 root) => root.Subject;

    private sealed record Naming(SslStreamCertificateContext Server, ClientAuthoritySet Roots, SslStreamCertificateContext Context);

    [LoggerMessage(EventId = 124, Level = LogLevel.Information, Message = "Client certificates count by the roots that are in {Path} now: {Names}")]
    private partial void LogTaken(string path, string names);

    [LoggerMessage(EventId = 125, Level = LogLevel.Warning, Message = "{Path} has changed and cannot be used: expected {Fault}. The roots before it stay in use")]
    private partial void LogRefused(string path, string fault);
}
