using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Observability;

public sealed class MetricsTests(PrivatePostgres postgres)
{
    [Fact]
    public async Task Each_host_of_a_process_counts_its_own_requests()
    {
        await using var first = new ApiServer(postgres);
        await using var second = new ApiServer(postgres);
        await first.InitializeAsync();
        await second.InitializeAsync();
        (await first.GetAsync("/v1/namespaces/default")).Expect(200);
        (await second.GetAsync("/v1/events")).Expect(200);

        await Eventually.TrueAsync(async () => (await CountedRoutesAsync(first)).Contains("v1/namespaces/{name}") && (await CountedRoutesAsync(second)).Contains("v1/events"));
        Assert.DoesNotContain("v1/events", await CountedRoutesAsync(first));
        Assert.DoesNotContain("v1/namespaces/{name}", await CountedRoutesAsync(second));
    }

    private static async Task<string[]> CountedRoutesAsync(ApiServer api) =>
        [.. from line in (await api.GetAsync("/metrics")).Expect(200).Text.Split('\n')
            where line.StartsWith("http_server_request_duration_seconds_count{", StringComparison.Ordinal)
            select line.Split("http_route=\"")[^1].Split('"')[0].TrimStart('/')];
}
