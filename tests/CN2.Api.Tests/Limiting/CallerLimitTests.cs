using System.Net;
using CN2.Api.Http;
using CN2.Api.Tests.Fixtures;
using CN2.Api.Watch;
using CN2.Network.Resources;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Limiting;

/// <summary>What one caller may have of a replica: requests a second, and open watches.</summary>
public sealed class CallerLimitTests(CallerServer api) : IClassFixture<CallerServer>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_caller_that_sends_too_much_gets_429_with_retry_after_and_no_other_caller_notices()
    {
        var taken = 0;
        Reply refused;
        while ((refused = await FromAsync("/v1/namespaces", "198.51.100.1")).Status == 200) Assert.InRange(++taken, 0, 1000);
        Assert.InRange(taken, 2 * CallerServer.PerSecond, 1000); // the burst
        Assert.Equal("too-many-requests", refused.Expect(429).Code);
        Assert.Equal("application/problem+json", refused.ContentType);
        Assert.True(int.Parse(refused.RetryAfter!, System.Globalization.CultureInfo.InvariantCulture) >= 1);

        (await FromAsync("/v1/namespaces", "198.51.100.2")).Expect(200);
        await Eventually.TrueAsync(async () => (await FromAsync("/v1/namespaces", "198.51.100.1")).Status == 200, "the caller is served again", everyMilliseconds: 300);
    }

    [Fact]
    public async Task Loopback_health_and_metrics_have_no_rate()
    {
        for (var i = 0; i < 4 * CallerServer.PerSecond; i++)
        {
            (await api.GetAsync("/v1/namespaces")).Expect(200);
            (await FromAsync("/livez", "198.51.100.3")).Expect(200);
            (await FromAsync("/metrics", "198.51.100.3")).Expect(200);
        }
    }

    [Fact]
    public async Task The_documents_that_are_open_to_all_have_a_rate_too()
    {
        foreach (var (path, source) in ((string, string)[])[("/openapi/v1.json", "198.51.100.31"), ("/swagger/index.html", "198.51.100.32")])
        {
            var taken = 0;
            while ((await FromAsync(path, source)).Status == 200) Assert.InRange(++taken, 0, 1000);
            Assert.InRange(taken, 2 * CallerServer.PerSecond, 1000);
            (await FromAsync(path, source)).Expect(429);
        }
    }

    [Fact]
    public async Task Addresses_of_one_64_are_one_caller()
    {
        var statuses = new List<int>();
        for (var i = 0; i < 6 * CallerServer.PerSecond; i++) statuses.Add((await FromAsync("/v1/namespaces", $"2001:db8:0:7::{i + 1:x}")).Status);
        Assert.Contains(429, statuses);
        (await FromAsync("/v1/namespaces", "2001:db8:0:8::1")).Expect(200);
    }

    [Fact]
    public async Task A_caller_has_100_watches_and_a_place_is_free_again_when_one_ends()
    {
        var open = new List<HttpResponseMessage>();
        try
        {
            // Loopback, which has no rate, is a caller as well.
            for (var i = 0; i < Limits.WatchesOfCaller; i++) open.Add(await WatchAsync("127.0.0.1"));
            Assert.All(open, o => Assert.Equal(HttpStatusCode.OK, o.StatusCode));
            using (var refused = await WatchAsync("127.0.0.1"))
            {
                Assert.Equal(429, (int)refused.StatusCode);
                Assert.NotNull(refused.Headers.RetryAfter);
                Assert.Contains("too-many-requests", await refused.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
            }

            using (var other = await WatchAsync("198.51.100.9")) Assert.Equal(HttpStatusCode.OK, other.StatusCode);
            open[0].Dispose();
            await Eventually.TrueAsync(async () =>
            {
                var again = await WatchAsync("127.0.0.1");
                open.Add(again);
                return again.StatusCode == HttpStatusCode.OK;
            });
        }
        finally
        {
            open.ForEach(o => o.Dispose());
        }

        var slots = api.Services.GetRequiredService<WatchSlots>();
        await Eventually.TrueAsync(() => slots.Open == 0, "every place is free again", seen: () => $"{slots.Open}");
    }

    [Fact]
    public void A_replica_has_1000_watches()
    {
        var slots = new WatchSlots();
        var taken = Enumerable.Range(0, Limits.Watches).Select(i => slots.TryTake(new CallerKey($"198.51.100.{i / Limits.WatchesOfCaller}"), out _)).ToList();
        Assert.DoesNotContain(null, taken);
        Assert.Null(slots.TryTake(new CallerKey("203.0.113.1"), out var refusal));
        Assert.Contains("1000", refusal, StringComparison.Ordinal);
        taken[0]!.Dispose();
        taken[0]!.Dispose(); // a second time frees nothing
        Assert.NotNull(slots.TryTake(new CallerKey("203.0.113.1"), out _));
        Assert.Null(slots.TryTake(new CallerKey("203.0.113.2"), out _));
    }

    private Task<Reply> FromAsync(string path, string source) => api.SendAsync(HttpMethod.Get, path, null, (CallerServer.Header, source));

    private async Task<HttpResponseMessage> WatchAsync(string source)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/watch?kinds=services&namespace=nowhere");
        request.Headers.Add(CallerServer.Header, source);
        return await api.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token);
    }
}
