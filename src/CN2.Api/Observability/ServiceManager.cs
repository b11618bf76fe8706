using System.Net.Sockets;
using System.Text;

namespace CN2.Api.Observability;

/// <summary>
/// Tells systemd that the server serves, lives and stops. With <c>WatchdogSec=</c> in its unit, systemd restarts a server that hangs; only the server can
/// withdraw the routes that its gobgpd announces.
/// </summary>
internal sealed partial class ServiceManager(ServiceManagerSocket socket, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<ServiceManager> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (socket.Path is not { } path) return;
        using var connection = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        try
        {
            await connection.ConnectAsync(new UnixDomainSocketEndPoint(path[0] == '@' ? '\0' + path[1..] : path), stoppingToken);
            var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var registration = lifetime.ApplicationStarted.Register(started.SetResult);
            await started.Task.WaitAsync(stoppingToken);
            await SayAsync("READY=1");
            // Half of the time, as sd_watchdog_enabled(3) asks for.
            using var timer = new PeriodicTimer(socket.Watchdog / 2 ?? Timeout.InfiniteTimeSpan, time);
            while (await timer.WaitForNextTickAsync(stoppingToken)) await SayAsync("WATCHDOG=1");
        }
        catch (OperationCanceledException)
        {
            if (connection.Connected) await SayAsync("STOPPING=1");
        }
        catch (SocketException e)
        {
            LogUnreachable(path, e.Message);
        }

        // A service manager that is away for a moment, such as systemd while it is upgraded, misses one sign of life.
        async Task SayAsync(string what)
        {
            try
            {
                await connection.SendAsync(Encoding.ASCII.GetBytes(what), SocketFlags.None, CancellationToken.None);
            }
            catch (SocketException e)
            {
                LogUnreachable(path, e.Message);
            }
        }
    }

    [LoggerMessage(EventId = 108, Level = LogLevel.Warning, Message = "The service manager does not hear this server at {Path} (NOTIFY_SOCKET): {Reason}")]
    private partial void LogUnreachable(string path, string reason);
}
