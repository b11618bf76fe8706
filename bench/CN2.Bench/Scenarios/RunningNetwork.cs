using CN2.Bench.Lab;

namespace CN2.Bench.Scenarios;

/// <summary>(b) to (e) in one <see cref="Site"/>, each at the numbers of Services it asks for.</summary>
internal sealed class RunningNetwork(PrivateNetwork network, Report report, BenchOptions options)
{
    private const int Small = 100;

    public async Task RunAsync()
    {
        using var site = new Site(network, report);
        await site.PrepareAsync();
        RouteLatency? latency = options.Scenarios.Contains('b') ? new(site, report, options) : null;
        EndpointChange? change = options.Scenarios.Contains('c') ? new(site, report) : null;
        Restarts? restarts = options.Scenarios.Contains('d') ? new(site, report, options) : null;
        FloatingIPTraffic? traffic = options.Scenarios.Contains('e') ? new(site, report) : null;
        FlushedTable? flushed = options.Scenarios.Contains('e') ? new(site, report) : null;
        try
        {
            traffic?.Run();
            await site.GrowAsync(Small);
            if (latency is not null)
            {
                // The first ones also bring the compiler's second tier; a server in service has had it.
                await latency.PostAsync(Small);
                await WithoutApiAsync(() => latency.RawAsync(Small));
            }

            await site.GrowAsync(options.Medium);
            if (change is not null) await change.RunAsync();
            traffic?.Run();
            if (flushed is not null) await flushed.RunAsync(network.Directory);
            await AtAsync(options.Medium);
            if (options.Large == 0 || (latency is null && restarts is null)) return;
            await site.GrowAsync(options.Large);
            await AtAsync(options.Large);
        }
        finally
        {
            site.Tell();
            latency?.Tell();
            change?.Tell();
            restarts?.Tell();
            traffic?.Tell();
            flushed?.Tell();
        }

        async Task AtAsync(int services)
        {
            if (latency is not null) await latency.PostAsync(services);
            if (restarts is not null) await restarts.RunAsync(services, () => latency?.RawAsync(services) ?? Task.CompletedTask);
            else if (latency is not null) await WithoutApiAsync(() => latency.RawAsync(services));
        }

        async Task WithoutApiAsync(Func<Task> act)
        {
            site.Api.Kill();
            await act();
            site.Api.Start();
            await site.Api.ReadyAsync();
            await site.Api.QuietAsync();
        }
    }
}
