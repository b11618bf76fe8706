using CN2.Api.Data;
using Npgsql;

namespace CN2.Api.Allocation;

/// <summary>
/// Frees addresses whose quarantine is over, by the database's clock. Every replica does it, and one passes over what another one has locked; it is
/// repeatable. It is only about the order in which addresses are handed out: while nobody does it, such an address is given after all free ones.
/// </summary>
public sealed partial class EndedRests(
    [FromKeyedServices(DatabasePools.ControlLoop)] NpgsqlDataSource source, TimeProvider time, ILogger<EndedRests> logger) : BackgroundService
{
    /// <summary>Addresses of one transaction: it keeps those who change the ranges of their subnets waiting.</summary>
    private const int Batch = 1000;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FailureInterval = TimeSpan.FromSeconds(5);

    /// <summary>Frees all that are due now. Returns how many rests it has ended.</summary>
    public async Task<int> EndAsync(CancellationToken ct)
    {
        var total = 0;
        while (true)
        {
            await using var command = source.CreateCommand("SELECT cn2_end_rests($1)");
            command.Parameters.Add(Sql.Value(Batch));
            var ended = (int)(await command.ScalarAsync(ct))!;
            total += ended;
            if (ended < Batch) return total;
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var pause = Interval;
            try
            {
                await EndAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogPostponed(e.GetBaseException().Message);
                pause = FailureInterval;
            }

            await Task.Delay(pause, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    [LoggerMessage(EventId = 109, Level = LogLevel.Warning, Message = "Freeing addresses whose quarantine is over is put off: {Reason}")]
    private partial void LogPostponed(string reason);
}
