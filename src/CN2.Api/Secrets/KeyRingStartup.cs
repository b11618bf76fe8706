using CN2.Api.Data;
using Npgsql;

namespace CN2.Api.Secrets;

/// <summary>
/// Reads the key ring at the start, once the database is there, so that what is wrong with it is said then. Whatever that is, the server starts: only what needs a
/// secret waits.
/// </summary>
internal sealed class KeyRingStartup(KeyRing ring) : IHostedLifecycleService
{
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        try
        {
            await ring.KeysAsync(cancellationToken);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedTable)
        {
            // Database__Migrate is false, and nobody has migrated yet; it is read when somebody needs it.
        }
        catch (Exception e) when (PostgresErrors.IsAway(e))
        {
            // The database has just gone; the same.
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
