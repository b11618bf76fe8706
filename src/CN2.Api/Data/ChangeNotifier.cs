using System.Data.Common;
using Npgsql;

namespace CN2.Api.Data;

/// <summary>
/// Sends <see cref="ChangeSignal"/> to the other replicas: at most one <c>NOTIFY cn2_change</c> every 20 ms, from a connection of its own,
/// because NOTIFY inside the writing transactions makes their commits wait for one lock. LISTEN has another connection.
/// </summary>
public sealed partial class ChangeNotifier(ChangeSignal signal, DedicatedConnection dedicated, ILogger<ChangeNotifier> logger) : BackgroundService
{
    private static readonly TimeSpan Debounce = TimeSpan.FromMilliseconds(20);
    private volatile int _notifierPid;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(NotifyAsync(stoppingToken), ListenAsync(stoppingToken));

    private async Task NotifyAsync(CancellationToken stopping)
    {
        using var waiter = signal.Subscribe(localOnly: true);
        await KeepAsync(async connection =>
        {
            _notifierPid = connection.ProcessID;
            await using var notify = new NpgsqlCommand("NOTIFY cn2_change", connection);
            while (true)
            {
                await notify.ExecuteNonQueryAsync(stopping); // the first one is for what was lost with the last connection
                await Task.Delay(Debounce, stopping);
                while (!await waiter.WaitAsync(TimeSpan.FromMinutes(1), stopping)) continue;
            }
        }, stopping);
    }

    private Task ListenAsync(CancellationToken stopping) => KeepAsync(async connection =>
    {
        connection.Notification += (_, notification) =>
        {
            if (notification.PID != _notifierPid) signal.SetFromElsewhere();
        };
        await using (var listen = new NpgsqlCommand("LISTEN cn2_change", connection)) await listen.ExecuteNonQueryAsync(stopping);
        signal.SetFromElsewhere(); // for what was committed before LISTEN
        while (true) await connection.WaitAsync(stopping);
    }, stopping);

    private async Task KeepAsync(Func<NpgsqlConnection, Task> use, CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await using var connection = await dedicated.OpenAsync(stopping);
                await use(connection);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is DbException or IOException or InvalidOperationException or System.Net.Sockets.SocketException or TimeoutException)
            {
                Lost(logger, e.Message);
                try
                {
                    await Task.Delay(TimeSpan.FromSeconds(1), stopping);
                }
                catch (OperationCanceledException)
                {
                    return;
                }
            }
        }
    }

    [LoggerMessage(EventId = 101, Level = LogLevel.Warning, Message = "The database connection for change notifications is away, trying again: {Reason}")]
    private static partial void Lost(ILogger logger, string reason);
}
