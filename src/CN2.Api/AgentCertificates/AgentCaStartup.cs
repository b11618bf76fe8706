using CN2.Api.Data;
using CN2.Api.Options;
using CN2.Api.Secrets;
using Npgsql;

namespace CN2.Api.AgentCertificates;

/// <summary>
/// Makes or reads the CA at the start, where agents need it, and reads the certificates that are worth something before the first agent comes. Whatever goes
/// wrong with it, the server starts: both are tried again when they are needed.
/// </summary>
internal sealed partial class AgentCaStartup(AgentAuthority authority, AgentCertificateRegistry registry, ListenerOptions listen, ILogger<AgentCaStartup> logger) : IHostedLifecycleService
{
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        if (!ListenerOptions.IsTls(listen.GrpcUrl)) return;
        try
        {
            await authority.GetAsync(cancellationToken);
            await registry.RefreshAsync(cancellationToken);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedTable)
        {
            // Database__Migrate is false, and nobody has migrated yet.
        }
        catch (Exception e) when (e is SecretsLockedException or NpgsqlException || PostgresErrors.IsAway(e))
        {
            LogNotReady(e.GetBaseException().Message);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(EventId = 154, Level = LogLevel.Error, Message = "The agents' CA is not there yet, and is tried again when it is needed: {Reason}")]
    private partial void LogNotReady(string reason);
}
