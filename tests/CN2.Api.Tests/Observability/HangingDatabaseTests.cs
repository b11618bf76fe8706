using System.Diagnostics;
using System.Net.Sockets;
using CN2.Api.Observability;
using CN2.Api.Tests.Fixtures;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Npgsql;

namespace CN2.Api.Tests.Observability;

/// <summary>The readiness check uses a PostgreSQL that accepts the connection and never answers. The server itself has a working one.</summary>
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
