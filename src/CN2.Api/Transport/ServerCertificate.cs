using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using CN2.Api.Options;

namespace CN2.Api.Transport;

/// <summary>
/// The certificate of a listener. The files are read anew when they change; open connections keep what they began with. What cannot be used is
/// logged once, and the certificate before it stays.
/// </summary>
internal sealed partial class ServerCertificate
{
    /// <summary>How often it is said that a certificate has expired.</summary>
    private static readonly TimeSpan Reminder = TimeSpan.FromDays(1);

    private readonly string _path;
    private readonly string _keyPath;
    private readonly TimeProvider _time;
    private readonly ILogger<ServerCertificate> _logger;
    private readonly ChangingFile<CertificateFiles> _files;
    private volatile SslStreamCertificateContext _context;
    private CertificateFiles _used;
    private DateTimeOffset _remindAt;

    /// <exception cref="InvalidOperationException">The files cannot be used; settings are checked before, so they have changed since.</exception>
    public ServerCertificate(string path, string keyPath, TimeProvider time, ILogger<ServerCertificate> logger)
    {
        (_path, _keyPath, _time, _logger) = (path, keyPath, time, logger);
        _used = CertificateFiles.Read(path, keyPath);
        _files = new ChangingFile<CertificateFiles>(() => CertificateFiles.Read(path, keyPath), _used);
        _context = ContextOf(_used.Parse(out var judged) ?? throw new InvalidOperationException($"{path} and {keyPath} are no certificate and key: expected {judged.CertificateFault ?? judged.KeyFault}."));
        SayIfOutOfDate();
    }

    /// <summary>With the chain, which every handshake sends.</summary>
    public SslStreamCertificateContext Context => _context;

    /// <summary>Looks at the files: certificate and key are judged together.</summary>
    public void Refresh()
    {
        if (_files.TryLook(out var files) && files != _used) Take(files);
        SayIfOutOfDate();
    }

    /// <summary>Offline: neither intermediate certificates nor OCSP answers are fetched from elsewhere; the file has the chain.</summary>
    private static SslStreamCertificateContext ContextOf(X509Certificate2Collection chain) => SslStreamCertificateContext.Create(chain[0], [.. chain.Skip(1)], offline: true);

    private void Take(CertificateFiles files)
    {
        if (files.Parse(out var judged) is not { } chain)
        {
            var (path, fault) = judged.CertificateFault is { } certificate ? (_path, certificate) : (_keyPath, judged.KeyFault!);
            LogRefused(path, fault, _context.TargetCertificate.Subject);
            return;
        }

        _context = ContextOf(chain);
        (_used, _remindAt) = (files, default);
        var (subject, notAfter) = (chain[0].Subject, chain[0].NotAfter.ToUniversalTime());
        LogTaken(_path, subject, notAfter);
    }

    private void SayIfOutOfDate()
    {
        var now = _time.GetUtcNow();
        if (now < _remindAt) return;
        var certificate = _context.TargetCertificate;
        var (subject, from, until) = (certificate.Subject, certificate.NotBefore.ToUniversalTime(), certificate.NotAfter.ToUniversalTime());
        if (until < now) LogExpired(_path, subject, until);
        else if (from > now) LogNotYet(_path, subject, from);
        else return;
        _remindAt = now + Reminder;
    }

    [LoggerMessage(EventId = 120, Level = LogLevel.Information, Message = "New connections get the certificate that is in {Path} now: {Subject}, until {NotAfter:u}")]
    private partial void LogTaken(string path, string subject, DateTime notAfter);

    [LoggerMessage(EventId = 121, Level = LogLevel.Warning, Message = "{Path} has changed and cannot be used: expected {Fault}. The certificate before it stays in use: {Subject}")]
    private partial void LogRefused(string path, string fault, string subject);

    [LoggerMessage(EventId = 122, Level = LogLevel.Warning, Message = "The certificate in {Path} has expired: {Subject}, on {NotAfter:u}. Clients refuse it; put a new one into its place")]
    private partial void LogExpired(string path, string subject, DateTime notAfter);

    [LoggerMessage(EventId = 123, Level = LogLevel.Warning, Message = "The certificate in {Path} is not valid yet: {Subject}, before {NotBefore:u}. Clients refuse it; is the clock right?")]
    private partial void LogNotYet(string path, string subject, DateTime notBefore);
}
