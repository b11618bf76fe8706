using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Observability;

public sealed class HealthTests(ApiServer api) : IClassFixture<ApiServer>
{
    [Fact]
    public async Task A_process_that_runs_is_alive()
    {
        var reply = (await api.GetAsync("/livez")).Expect(200);
        Assert.Equal(("ok\n", "text/plain; charset=utf-8"), (reply.Text, reply.ContentType));
    }

    [Fact]
    public async Task A_process_is_ready_once_everything_is_warm()
    {
        await Eventually.TrueAsync(async () => (await api.GetAsync("/readyz")).Status == 200);
        var reply = (await api.GetAsync("/readyz")).Expect(200);
        Assert.Equal(("""{"status":"ready","checks":{"database":"ok","migrations":"ok","warm":"ok"}}""", "application/json; charset=utf-8"), (reply.Text, reply.ContentType));
    }

    [Theory]
    [InlineData("/livez")]
    [InlineData("/readyz")]
    [InlineData("/metrics")]
    public async Task Only_GET_is_answered(string path) => Assert.Equal("method-not-allowed", (await api.PostAsync(path, "{}")).Expect(405).Code);
}
