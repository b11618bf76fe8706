using CN2.Api.Options;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace CN2.Api.Authentication;

/// <summary>
/// <c>Auth__Oidc__Authority</c>: the provider is asked at the start, every few minutes, and when a token names a key that is not known. The server
/// starts without it, and while it is away its keys of before count.
/// </summary>
internal sealed partial class ProviderKeys(AuthOptions options, TimeProvider time, ILogger<ProviderKeys> logger) : BackgroundService, ISigningKeys
{
    /// <summary>A key that the provider has withdrawn counts for this long at the most.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(5);

    /// <summary>After a failure.</summary>
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(5);

    /// <summary>Between two looks that tokens with unknown keys cause: whoever invents keys must not make this server knock at the provider.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    /// <summary>How long a request waits for a look; the look itself goes on.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private const int LargestDocument = 1024 * 1024;

    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(5), MaxResponseContentBufferSize = LargestDocument };
    private readonly Lock _lock = new();
    private volatile SigningKeys _current = SigningKeys.Unknown;
    private Task _look = Task.CompletedTask;
    private long? _lookedAt;
    private bool _isAway;

    public SigningKeys Current => _current;

    public async Task<SigningKeys> LookAgainAsync(CancellationToken cancellationToken)
    {
        Task look;
        lock (_lock)
        {
            if (_look.IsCompleted && (_lookedAt is not { } last || time.GetElapsedTime(last) >= Pause))
            {
                _lookedAt = time.GetTimestamp();
                _look = LookAsync(CancellationToken.None);
            }

            look = _look;
        }

        await look.WaitAsync(Patience, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return _current;
    }

    public override void Dispose()
    {
        base.Dispose();
        _http.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var wait = await LookAsync(stoppingToken) ? Interval : Retry;
            await Task.Delay(wait, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>False: the provider gives no keys, and those of before stay.</summary>
    private async Task<bool> LookAsync(CancellationToken cancellationToken)
    {
        var address = $"{options.Authority!.AbsoluteUri.TrimEnd('/')}/.well-known/openid-configuration";
        try
        {
            var retriever = new HttpDocumentRetriever(_http) { RequireHttps = options.Authority.Scheme == Uri.UriSchemeHttps };
            var document = await OpenIdConnectConfigurationRetriever.GetAsync(address, retriever, cancellationToken);
            var keys = new SigningKeys(options.Issuer ?? document.Issuer, SigningKeyFile.Usable(document.SigningKeys));
            if (keys.All.Count == 0 || string.IsNullOrEmpty(keys.Issuer)) throw new InvalidDataException("it has no issuer, or no public key that may check signatures (RSA from 2048 bits, or elliptic)");
            Take(keys);
            return true;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return false;
        }
        catch (Exception e)
        {
            // Whatever its documents hold, it is the provider's fault: tokens of users wait for it, everybody else goes on.
            if (!_isAway) LogAway(address, e.GetBaseException().Message);
            _isAway = true;
            return false;
        }
    }

    private void Take(SigningKeys keys)
    {
        _isAway = false;
        SigningKeys before;
        lock (_lock) // two looks may end at the same time
        {
            before = _current;
            if (keys.SameAs(before)) return;
            _current = before.Next(keys.Issuer, keys.All);
        }

        before.EndAllBut(_current);
        LogTaken(options.Authority!.OriginalString, keys.All.Count, keys.Issuer!);
    }

    [LoggerMessage(EventId = 132, Level = LogLevel.Information, Message = "The identity provider {Authority} has {Count} keys for tokens of {Issuer}")]
    private partial void LogTaken(string authority, int count, string issuer);

    [LoggerMessage(EventId = 133, Level = LogLevel.Warning, Message = "The identity provider gives no keys at {Address}: {Reason}. Those of before stay in use, and it is asked again every few seconds")]
    private partial void LogAway(string address, string reason);
}
