namespace CN2.Api.Authentication;

/// <summary>No identity provider is set.</summary>
internal sealed class NoKeys : BackgroundService, ISigningKeys
{
    public SigningKeys Current => SigningKeys.Unknown;

    public Task<SigningKeys> LookAgainAsync(CancellationToken cancellationToken) => Task.FromResult(Current);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.CompletedTask;
}
