using CN2.Api.Options;
using CN2.Api.Transport;

namespace CN2.Api.Authentication;

/// <summary><c>Auth__Oidc__JwksPath</c>: the file is read anew when it changes; what cannot be used is logged once, and the keys before it stay.</summary>
internal sealed partial class FileKeys : BackgroundService, ISigningKeys
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly string _path;
    private readonly ChangingFile<(string? Text, string? Fault)> _file;
    private readonly TimeProvider _time;
    private readonly ILogger<FileKeys> _logger;
    private volatile SigningKeys _current;

    /// <exception cref="InvalidOperationException">The file cannot be used; settings are checked before, so it has changed since.</exception>
    public FileKeys(AuthOptions options, TimeProvider time, ILogger<FileKeys> logger)
    {
        (_path, _time, _logger) = (options.JwksPath!, time, logger);
        var file = SigningKeyFile.Read(_path);
        if (file.Fault is not null) throw new InvalidOperationException($"{_path} cannot be used: expected {file.Fault}.");
        _file = ChangingFile.Of(_path, file.Text);
        _current = new SigningKeys(options.Issuer, file.Keys);
    }

    public SigningKeys Current => _current;

    /// <summary>The file is looked at all the time.</summary>
    public Task<SigningKeys> LookAgainAsync(CancellationToken cancellationToken) => Task.FromResult(_current);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
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
        var file = text is null ? new SigningKeyFile(null, [], fault) : SigningKeyFile.Parse(text);
        if (file.Fault is not null)
        {
            LogRefused(_path, file.Fault);
            return;
        }

        var before = _current;
        _current = before.Next(before.Issuer, file.Keys);
        before.EndAllBut(_current);
        LogTaken(file.Keys.Count, _path);
    }

    [LoggerMessage(EventId = 130, Level = LogLevel.Information, Message = "Tokens count by the {Count} keys that are in {Path} now")]
    private partial void LogTaken(int count, string path);

    [LoggerMessage(EventId = 131, Level = LogLevel.Warning, Message = "{Path} has changed and cannot be used: expected {Fault}. The keys before it stay in use")]
    private partial void LogRefused(string path, string fault);
}
