using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using CN2.Api.Tests.Fixtures;
using k8s;
using k8s.Autorest;
using k8s.Models;
using Npgsql;

namespace CN2.Api.Tests.Kubernetes.Watch;

/// <summary>The official C# client: list, watch, and again, through a restart of the server and through retention.</summary>
public sealed class InformerTests(PrivatePostgres postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_informer_goes_on_after_a_restart_and_lists_again_when_its_version_is_too_old()
    {
        var database = await postgres.CreateDatabaseAsync();
        var url = $"http://127.0.0.1:{FreePort()}";
        using var client = new k8s.Kubernetes(new KubernetesClientConfiguration { Host = url });
        await using var informer = new Informer(client, "i1");
        await using (var server = new ApiProcess(database, "a", "--Kubernetes:Url", url))
        {
            await server.UntilReadyAsync();
            await PutAsync(server, "/v1/namespaces/i1", "{}");
            await PutAsync(server, "/v1/namespaces/i1/services/first", Body);
            informer.Start();
            await Eventually.TrueAsync(() => informer.Has("first"), seen: () => informer.State);
            await PutAsync(server, "/v1/namespaces/i1/services/second", Body);
            await Eventually.TrueAsync(() => informer.Has("second"), seen: () => informer.State);
            Assert.Equal(1, informer.Lists);
        }

        await using (var server = new ApiProcess(database, "a", "--Kubernetes:Url", url))
        {
            await server.UntilReadyAsync();
            (await server.Client.DeleteAsync("/v1/namespaces/i1/services/first", Ct)).EnsureSuccessStatusCode();
            await PutAsync(server, "/v1/namespaces/i1/services/third", Body);
            await Eventually.TrueAsync(() => informer.Has("third") && !informer.Has("first"), seen: () => informer.State, seconds: 40);
            Assert.Equal(1, informer.Lists);
        }

        // While the server is away everything that the informer has not seen is removed by the next server's retention.
        await ExecuteAsync(database, "DELETE FROM feed_snapshot");
        await ExecuteAsync(database, "INSERT INTO change (kind, namespace, name, uid, verb, status_only) VALUES (9, 'i1', 'x', gen_random_uuid(), 2, true)");
        await ExecuteAsync(database, "INSERT INTO feed_snapshot (at, snapshot) VALUES (now() - interval '2 hours', pg_current_snapshot()::text)");
        await using (var server = new ApiProcess(database, "a", "--Kubernetes:Url", url))
        {
            await server.UntilReadyAsync();
            await Eventually.TrueAsync(() => informer.Lists == 2, seen: () => informer.State, seconds: 40);
            await PutAsync(server, "/v1/namespaces/i1/services/fourth", Body);
            await Eventually.TrueAsync(() => informer.Has("fourth"), seen: () => informer.State);
            Assert.Equal("fourth second third", informer.Names);
        }
    }

    private const string Body = """{"type":"ClusterIP","ports":[{"port":80}]}""";

    private static async Task PutAsync(ApiProcess server, string path, string body)
    {
        using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        (await server.Client.PutAsync(path, content, Ct)).EnsureSuccessStatusCode();
    }

    private static async Task ExecuteAsync(string database, string sql)
    {
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync(Ct);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Ct);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>What every informer does: list, watch from the list's version, watch from the last event when the stream ends, list again after 410.</summary>
    private sealed class Informer(k8s.Kubernetes client, string ns) : IAsyncDisposable
    {
        private readonly ConcurrentDictionary<string, V1Service> _store = new();
        private readonly CancellationTokenSource _end = new();
        private Task _running = Task.CompletedTask;
        private string? _version;
        private string _last = "";

        public int Lists { get; private set; }

        public string Names => string.Join(' ', _store.Keys.Order(StringComparer.Ordinal));

        public string State => $"{Lists} lists, at {_version}: {Names}; {_last}";

        public bool Has(string name) => _store.ContainsKey(name);

        public void Start() => _running = Task.Run(RunAsync);

        public async ValueTask DisposeAsync()
        {
            await _end.CancelAsync();
            await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _end.Dispose();
        }

        private async Task RunAsync()
        {
            while (!_end.IsCancellationRequested)
            {
                try
                {
                    if (_version is null) await ListAsync();
                    await WatchAsync();
                }
                catch (Exception e) when (!_end.IsCancellationRequested)
                {
                    _last = e.Message;
                    if (e is KubernetesException { Status.Code: 410 } or HttpOperationException { Response.StatusCode: HttpStatusCode.Gone }) _version = null;
                    await Task.Delay(50, _end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }
            }
        }

        private async Task ListAsync()
        {
            var list = await client.CoreV1.ListNamespacedServiceAsync(ns, cancellationToken: _end.Token);
            _store.Clear();
            foreach (var item in list.Items) _store[item.Metadata.Name] = item;
            _version = list.Metadata.ResourceVersion;
            Lists++;
        }

        private async Task WatchAsync()
        {
            Exception? error = null;
            await foreach (var (type, item) in client.CoreV1.WatchListNamespacedServiceAsync(
                ns, allowWatchBookmarks: true, resourceVersion: _version, timeoutSeconds: 20, onError: e => error = e, cancellationToken: _end.Token))
            {
                if (type == WatchEventType.Deleted) _store.TryRemove(item.Metadata.Name, out _);
                else if (type is WatchEventType.Added or WatchEventType.Modified) _store[item.Metadata.Name] = item;
                _version = item.Metadata.ResourceVersion;
            }

            if (error is not null) throw error;
        }
    }
}
