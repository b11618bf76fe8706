using System.Security.Cryptography.X509Certificates;
using CN2.Api.Options;
using CN2.Api.Secrets;
using CN2.Api.Transport;

namespace CN2.Api.AgentCertificates;

/// <summary>
/// The agents' CA of this moment: from <c>Agents__Ca__Path</c>, read anew when its files change, or the one that was made at the first start and is kept in the
/// database. Of two replicas that make one at the same time the database takes the first. Any thread.
/// </summary>
internal sealed partial class AgentAuthority(AgentOptions options, ControlNodeOptions names, AgentCaTable table, TimeProvider time, ILogger<AgentAuthority> logger)
{
    private volatile AgentCa? _ca;
    private ChangingFile<CertificateFiles>? _files;

    /// <summary>Null: it was not needed yet, or the database was away.</summary>
    public AgentCa? Current => _ca;

    /// <summary>The CA, made when there is none.</summary>
    /// <exception cref="SecretsLockedException">There is none, and its key could not be protected.</exception>
    public async Task<AgentCa> GetAsync(CancellationToken ct)
    {
        if (_ca is { MayIssue: true } known) return known;
        if (options.CaPath is not null)
        {
            Refresh();
            return _ca ?? throw new InvalidOperationException($"{options.CaPath} and {options.CaKeyPath} are no CA and its key any more.");
        }

        while (true)
        {
            if (await table.FindAsync(ct) is { } found) return _ca = await ReadAsync(found.Certificate, found.StoredKey, ct);
            var now = time.GetUtcNow();
            var (certificate, key) = AgentCa.Make(names.ClusterName, now);
            if (await table.AddAsync(certificate, key, now, ct)) LogMade();
        }
    }

    /// <summary>Looks at the files; a change is in use after two looks, so that one that is half written is not judged. For one task.</summary>
    public void Refresh()
    {
        if (options.CaPath is null) return;
        if (_files is null)
        {
            var first = CertificateFiles.Read(options.CaPath, options.CaKeyPath);
            _files = new ChangingFile<CertificateFiles>(() => CertificateFiles.Read(options.CaPath, options.CaKeyPath), first);
            Take(first);
        }
        else if (_files.TryLook(out var files))
        {
            Take(files);
        }
    }

    private void Take(CertificateFiles files)
    {
        var chain = files.Parse(out var judged);
        var fault = chain is null ? judged.CertificateFault ?? judged.KeyFault : AgentOptions.FaultOfCa(chain);
        if (chain is null || fault is not null)
        {
            LogRefused(options.CaPath!, fault ?? "");
            return;
        }

        if (_ca is not null) LogTaken(options.CaPath!, chain[0].Subject);
        _ca = new AgentCa(chain);
    }

    private async Task<AgentCa> ReadAsync(string certificate, string storedKey, CancellationToken ct)
    {
        try
        {
            var key = await table.UnprotectAsync(storedKey, ct);
            return new AgentCa([X509Certificate2.CreateFromPem(certificate, key)]);
        }
        catch (SecretUnreadableException e)
        {
            LogLocked(e.Message);
            return new AgentCa([X509Certificate2.CreateFromPem(certificate)]);
        }
    }

    [LoggerMessage(EventId = 150, Level = LogLevel.Information, Message = "A CA for agents' certificates was made, and is kept in the database")]
    private partial void LogMade();

    [LoggerMessage(EventId = 151, Level = LogLevel.Information, Message = "Agents' certificates are issued by the CA that is in {Path} now: {Subject}")]
    private partial void LogTaken(string path, string subject);

    [LoggerMessage(EventId = 152, Level = LogLevel.Warning, Message = "{Path} has changed and cannot be used: expected {Fault}. The CA before it stays in use")]
    private partial void LogRefused(string path, string fault);

    [LoggerMessage(EventId = 153, Level = LogLevel.Error, Message = "The key of the agents' CA cannot be read, so agents can neither join nor renew their certificates here. {Reason}")]
    private partial void LogLocked(string reason);
}
