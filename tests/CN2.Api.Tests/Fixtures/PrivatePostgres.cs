using System.Diagnostics;
using CN2.Api.Data;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

[assembly: AssemblyFixture(typeof(CN2.Api.Tests.Fixtures.PrivatePostgres))]

namespace CN2.Api.Tests.Fixtures;

/// <summary>
/// One real PostgreSQL for the test run: its own data directory, a unix socket only, no fsync. A class asks for a database of its own
/// with <see cref="CreateDatabaseAsync"/>; it is a copy of one that was migrated once. It is stopped and removed at the end, and by a
/// watching shell when the run is killed.
/// </summary>
public sealed class PrivatePostgres : IAsyncLifetime
{
    private const string Template = "cn2_template";
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"cn2-tests-{Environment.ProcessId}-{Guid.NewGuid():N}"[..32]);
    private readonly SemaphoreSlim _creating = new(1);
    private int _count;

    public async ValueTask InitializeAsync()
    {
        Directory.CreateDirectory(_directory);
        var root = Environment.UserName == "root";
        if (root) await RunAsync("chown", "postgres", _directory);
        var bin = FindBinaries();
        await AsServerUserAsync(root, $"{bin}/initdb -A trust -U postgres -E UTF8 --locale=C --no-sync -D {_directory}/data");
        await AsServerUserAsync(root,
            $"{bin}/pg_ctl -D {_directory}/data -w -t 60 -l {_directory}/log -o \"-c listen_addresses='' -c unix_socket_directories={_directory} -c fsync=off " +
            "-c synchronous_commit=off -c full_page_writes=off -c max_connections=400 -c shared_buffers=64MB\" start");
        Watch(root, bin);

        await using (var admin = new NpgsqlConnection(ConnectionString("postgres")))
        {
            await admin.OpenAsync();
            await using var create = new NpgsqlCommand($"CREATE DATABASE {Template}", admin);
            await create.ExecuteNonQueryAsync();
        }

        await using var app = ApiHost.Build(["--ConnectionStrings:CN2", ConnectionString(Template), "--Bgp:Engine", "none", "--Http:Url", "http://127.0.0.1:0", "--Grpc:Url", "http://127.0.0.1:0"]);
        await app.Services.GetRequiredService<Migrator>().MigrateAsync(CancellationToken.None);
        await app.DisposeAsync();
        NpgsqlConnection.ClearAllPools();
    }

    /// <summary>A fresh, migrated database; the connection string to it.</summary>
    public async Task<string> CreateDatabaseAsync()
    {
        var name = $"cn2_{Interlocked.Increment(ref _count)}";
        await _creating.WaitAsync(); // a template can be copied by one at a time
        try
        {
            await using var admin = new NpgsqlConnection(ConnectionString("postgres"));
            await admin.OpenAsync();
            await using var create = new NpgsqlCommand($"CREATE DATABASE {name} TEMPLATE {Template}", admin);
            await create.ExecuteNonQueryAsync();
        }
        finally
        {
            _creating.Release();
        }

        return ConnectionString(name);
    }

    public async ValueTask DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        var root = Environment.UserName == "root";
        await AsServerUserAsync(root, $"{FindBinaries()}/pg_ctl -D {_directory}/data -m immediate -w stop");
        Directory.Delete(_directory, recursive: true);
    }

    private string ConnectionString(string database) => $"Host={_directory};Username=postgres;Database={database};Maximum Pool Size=20";

    /// <summary>A killed test run disposes nothing: this shell waits for it to be gone and then clears up.</summary>
    private void Watch(bool root, string bin)
    {
        var stop = $"{bin}/pg_ctl -D {_directory}/data -m immediate stop";
        var script = $"while kill -0 {Environment.ProcessId} 2>/dev/null; do sleep 1; done; {(root ? $"runuser -u postgres -- {stop}" : stop)} >/dev/null 2>&1; rm -rf {_directory}";
        Process.Start(new ProcessStartInfo("setsid", ["sh", "-c", script]) { RedirectStandardOutput = true, RedirectStandardError = true })!.Dispose();
    }

    private static string FindBinaries()
    {
        var found = Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").Select(d => Path.Combine(d, "bin")).Where(d => File.Exists(Path.Combine(d, "initdb"))).Order().LastOrDefault()
            : null;
        return found ?? throw new InvalidOperationException("These tests need PostgreSQL's server programs (initdb, pg_ctl) in /usr/lib/postgresql/*/bin.");
    }

    private static Task AsServerUserAsync(bool root, string command) =>
        root ? RunAsync("runuser", "-u", "postgres", "--", "sh", "-c", $"cd / && {command}") : RunAsync("sh", "-c", command);

    private static async Task RunAsync(string program, params string[] arguments)
    {
        // The server inherits these handles and keeps them open: output goes to a file, so that nobody waits for its end.
        using var process = Process.Start(new ProcessStartInfo("sh", ["-c", "\"$0\" \"$@\" >/dev/null 2>&1 </dev/null", program, .. arguments]))!;
        await process.WaitForExitAsync();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}");
    }
}
