using System.Diagnostics;
using System.Net.Sockets;
using CN2.Api.Observability;
using CN2.Api.Tests.Fixtures;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Npgsql;

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

/// <summary>The readiness check asks a PostgreSQL that accepts the connection and never answers; the server itself has a good one.</summary>
public sealed class HangingDatabaseTests(HangingDatabaseTests.Server api) : IClassFixture<HangingDatabaseTests.Server>
{
    [Fact]
    public async Task A_database_that_hangs_makes_the_process_not_ready_within_a_second()
    {
        await Eventually.TrueAsync(async () => (await api.GetAsync("/readyz")).Text.Contains("\"warm\":\"ok\"", StringComparison.Ordinal));
        var clock = Stopwatch.StartNew();
        var reply = (await api.GetAsync("/readyz")).Expect(503);
        Assert.Equal("""{"status":"not ready","checks":{"database":"no answer within a second","migrations":"ok","warm":"ok"}}""", reply.Text);
        // Npgsql alone would wait for its own timeout, which is 30 s here.
        Assert.InRange(clock.Elapsed, TimeSpan.FromSeconds(0.9), TimeSpan.FromSeconds(15));
    }

    public sealed class Server(PrivatePostgres postgres) : ApiServer(postgres), IAsyncLifetime
    {
        private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("cn2-");
        private readonly Socket _silent = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        private NpgsqlDataSource? _source;

        protected override void Replace(IServiceCollection services)
        {
            _silent.Bind(new UnixDomainSocketEndPoint(Path.Combine(_directory.FullName, ".s.PGSQL.5432")));
            _silent.Listen();
            _source = NpgsqlDataSource.Create($"Host={_directory.FullName};Username=cn2;Database=cn2;Timeout=30");
            services.Replace(ServiceDescriptor.Singleton(new DatabaseHealthCheck(_source)));
        }

        async ValueTask IAsyncDisposable.DisposeAsync()
        {
            await DisposeAsync();
            if (_source is not null) await _source.DisposeAsync();
            _silent.Dispose();
            _directory.Delete(recursive: true);
        }
    }
}
