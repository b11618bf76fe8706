using CN2.Api.Options;

namespace CN2.Api.Transport;

/// <summary>The certificates of the listeners, and the task that reads their files anew.</summary>
internal sealed class ServerCertificates(ListenerOptions listen, TimeProvider time, ILoggerFactory loggers) : BackgroundService
{
    /// <summary>A change is in use after two looks.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>Of REST and of the Kubernetes API; null: both are plain.</summary>
    public ServerCertificate? Http { get; } = ListenerOptions.IsTls(listen.HttpUrl) || ListenerOptions.IsTls(listen.KubernetesUrl)
        ? new(listen.HttpCertificatePath!, listen.HttpKeyPath!, time, loggers.CreateLogger<ServerCertificate>())
        : null;

    /// <summary>Of the agents' port; null: it is plain.</summary>
    public ServerCertificate? Grpc { get; } = ListenerOptions.IsTls(listen.GrpcUrl)
        ? new(listen.GrpcCertificatePath!, listen.GrpcKeyPath!, time, loggers.CreateLogger<ServerCertificate>())
        : null;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (Http is null && Grpc is null) return;
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                Http?.Refresh();
                Grpc?.Refresh();
            }
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }
}
