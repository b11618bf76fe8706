using System.IO.Pipelines;
using System.Text.Json.Nodes;
using CN2.Api.Data;
using CN2.Api.Kubernetes.Forms;
using CN2.Api.Kubernetes.Lists;
using CN2.Api.Kubernetes.Tables;
using CN2.Api.Kubernetes.Versions;
using CN2.Api.Kubernetes.Watch;
using CN2.Api.Tests.Fixtures;
using CN2.Api.Watch;
using CN2.Network.Resources;
using CN2.Network.Selection;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace CN2.Api.Tests.Kubernetes.Watch;

/// <summary>What a watcher is sent, on a real database; the stream is a pipe in the place of the connection.</summary>
public sealed class ObjectWatchTests : IClassFixture<ApiServer>
{
    private const string Check = """{"monitorType":"PING"}""";
    private readonly ApiServer _api;
    private readonly ObjectVersions _versions;
    private readonly HealthCheckReader _reader;
    private readonly ObjectHub _hub;

    public ObjectWatchTests(ApiServer api)
    {
        _api = api;
        var source = api.Services.GetRequiredService<NpgsqlDataSource>();
        _versions = new ObjectVersions(source, api.Services.GetRequiredService<ChangeFeedReader>());
        _reader = new HealthCheckReader(source, _versions);
        _hub = new ObjectHub(api.Services.GetRequiredService<WatchHub>(), _versions, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger<ObjectHub>.Instance);
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task All_objects_come_first_then_the_bookmark_that_says_so_then_what_changes()
    {
        await NamespaceAsync("k1");
        await WriteAsync("k1", "a", Check);
        await using var watch = await StartAsync("k1", new ListRequest { IsWatch = true, HasInitialEvents = true, HasBookmarks = true });
        Assert.Equal("ADDED a", Said(await watch.NextAsync()));
        var mark = await watch.NextAsync();
        Assert.Equal(("BOOKMARK", "true"), ((string?)mark["type"], (string?)mark["object"]!["metadata"]!["annotations"]!["k8s.io/initial-events-end"]));

        await WriteAsync("k1", "b", Check);
        await WriteAsync("k1", "a", """{"monitorType":"PING","delay":7}""");
        var events = new List<JsonNode> { await watch.NextAsync(), await watch.NextAsync() };
        // Only now: changes of one object that are read together are one event.
        (await _api.DeleteAsync("/v1/namespaces/k1/service-health-checks/a")).Expect(204);
        events.Add(await watch.NextAsync());
        Assert.Equal(["ADDED b", "MODIFIED a", "DELETED a"], events.Select(Said));
        Assert.Equal(events.Select(VersionOf).Order(), events.Select(VersionOf));

        // Each version leads to what came after it.
        await using var again = await StartAsync("k1", new ListRequest { IsWatch = true, Version = VersionOf(events[0]) });
        List<string> seen = [];
        while (seen.LastOrDefault() != "DELETED a") seen.Add(Said(await again.NextAsync()));
        Assert.DoesNotContain("ADDED a", seen);
        await using var marked = await StartAsync("k1", new ListRequest { IsWatch = true, Version = VersionOf(mark) });
        seen.Clear();
        while (seen.LastOrDefault() != "DELETED a") seen.Add(Said(await marked.NextAsync()));
        Assert.Contains("ADDED b", seen);
    }

    [Fact]
    public async Task Events_are_relative_to_the_selector()
    {
        await NamespaceAsync("k2");
        await WriteAsync("k2", "in", """{"monitorType":"PING","labels":{"app":"web"}}""");
        await WriteAsync("k2", "out", """{"monitorType":"PING","labels":{"app":"db"}}""");
        Assert.True(LabelSelector.TryParse("app=web", out var labels, out _));
        await using var watch = await StartAsync("k2", new ListRequest { IsWatch = true, HasInitialEvents = true, Selector = new ObjectSelector(labels, FieldSelector.Everything) });
        Assert.Equal("ADDED in", Said(await watch.NextAsync()));
        await WriteAsync("k2", "out", """{"monitorType":"PING","delay":9,"labels":{"app":"db"}}""");
        await WriteAsync("k2", "in", """{"monitorType":"PING","delay":9,"labels":{"app":"web"}}""");
        Assert.Equal("MODIFIED in", Said(await watch.NextAsync()));
        await WriteAsync("k2", "out", """{"monitorType":"PING","labels":{"app":"web"}}""");
        Assert.Equal("ADDED out", Said(await watch.NextAsync()));
        await WriteAsync("k2", "in", """{"monitorType":"PING","labels":{"app":"db"}}""");
        Assert.Equal("DELETED in", Said(await watch.NextAsync()));
        (await _api.DeleteAsync("/v1/namespaces/k2/service-health-checks/in")).Expect(204);
        (await _api.DeleteAsync("/v1/namespaces/k2/service-health-checks/out")).Expect(204);
        Assert.Equal("DELETED out", Said(await watch.NextAsync()));
    }

    [Fact]
    public async Task One_object_is_watched_by_its_name_and_from_its_own_version_nothing_comes_again()
    {
        await NamespaceAsync("k3");
        await WriteAsync("k3", "one", Check);
        await WriteAsync("k3", "two", Check);
        var one = (await _reader.ReadAsync("k3", LabelSelector.Everything, null, 10, Ct)).Objects[0];
        Assert.True(ResourceVersion.TryParse((string?)one["metadata"]!["resourceVersion"], out var version));
        var (fields, _) = FieldSelector.Parse("metadata.name=one", SelectableFields.Of(_reader.Resource));
        await using var watch = await StartAsync("k3", new ListRequest { IsWatch = true, Version = version, Selector = new ObjectSelector(LabelSelector.Everything, fields!) });
        await WriteAsync("k3", "two", """{"monitorType":"PING","delay":9}""");
        await WriteAsync("k3", "one", """{"monitorType":"PING","delay":9}""");
        var next = await watch.NextAsync();
        Assert.Equal("MODIFIED one", Said(next));
        Assert.True(VersionOf(next).CompareTo(version) > 0);
    }

    [Fact]
    public async Task What_commits_late_comes_to_those_who_watch_and_to_those_who_listed_before()
    {
        await NamespaceAsync("k4");
        await using var connection = await _api.Services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync(Ct);
        await using var older = await connection.BeginTransactionAsync(Ct);
        await using var touch = new NpgsqlCommand(
            "INSERT INTO change (kind, namespace, name, uid, verb, status_only, document) VALUES (9, 'k4', 'late', gen_random_uuid(), 3, false, '{\"labels\": {}}')", connection, older);
        await touch.ExecuteNonQueryAsync(Ct);
        await WriteAsync("k4", "early", Check);
        await using var watch = await StartAsync("k4", new ListRequest { IsWatch = true, HasInitialEvents = true });
        Assert.Equal("ADDED early", Said(await watch.NextAsync()));
        var listed = await VersionAsync();
        await older.CommitAsync(Ct);
        Assert.Equal("DELETED late", Said(await watch.NextAsync()));
        await using var second = await StartAsync("k4", new ListRequest { IsWatch = true, Version = listed });
        await UntilAsync(second, "DELETED late");
    }

    [Fact]
    public async Task A_table_names_its_columns_once()
    {
        await NamespaceAsync("k5");
        await using var watch = await StartAsync("k5", new ListRequest { IsWatch = true, Version = await VersionAsync() }, new ObjectForm.Table("v1"));
        await WriteAsync("k5", "a", Check);
        await WriteAsync("k5", "b", Check);
        var (first, second) = (await watch.NextAsync(), await watch.NextAsync());
        Assert.NotEmpty(first["object"]!["columnDefinitions"]!.AsArray());
        Assert.Equal("a", (string?)first["object"]!["rows"]![0]!["cells"]![0]);
        Assert.Empty(second["object"]!["columnDefinitions"]?.AsArray() ?? []);
        Assert.Equal("b", (string?)second["object"]!["rows"]![0]!["object"]!["metadata"]!["name"]);
    }

    [Fact]
    public async Task A_watcher_that_does_not_keep_up_is_told_to_list_again()
    {
        await NamespaceAsync("k6");
        await using var watch = await StartAsync("k6", new ListRequest { IsWatch = true, Version = await VersionAsync() });
        await WriteAsync("k6", "first", Check);
        await watch.NextAsync();
        await using var connection = await _api.Services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync(Ct);
        await using var many = new NpgsqlCommand(
            "INSERT INTO change (kind, namespace, name, uid, verb, status_only, document) SELECT 9, 'k6', 'gone-' || i, gen_random_uuid(), 3, false, '{\"labels\": {}}' FROM generate_series(1, $1) i",
            connection);
        many.Parameters.AddWithValue(Limits.WatchEvents + 5_000);
        await many.ExecuteNonQueryAsync(Ct);
        await Eventually.TrueAsync(() => watch.IsEnded, "the queue is full", 60);
        JsonNode last;
        var count = 0;
        do
        {
            last = await watch.NextAsync();
            count++;
        }
        while ((string?)last["type"] != "ERROR");
        Assert.Equal((410, "Expired"), ((int)last["object"]!["code"]!, (string?)last["object"]!["reason"]));
        Assert.InRange(count, 1_000, Limits.WatchEvents + 5_000);
    }

    [Fact]
    public async Task A_thousand_watchers_share_each_event_and_need_little_memory()
    {
        await NamespaceAsync("k7");
        var version = await VersionAsync();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var watches = new List<Watcher>();
        for (var i = 0; i < Limits.Watches; i++) watches.Add(await StartAsync("k7", new ListRequest { IsWatch = true, Version = version }));
        await WriteAsync("k7", "shared", $$$"""{"monitorType":"PING","annotations":{"large":"{{{new string('x', 16_000)}}}"}}""");
        foreach (var watch in watches) Assert.Equal("ADDED shared", Said(await watch.NextAsync()));
        // Tests beside this one use memory too, so it is measured until they use less.
        var each = 0L;
        await Eventually.TrueAsync(() => (each = (GC.GetTotalMemory(forceFullCollection: true) - before) / Limits.Watches) < 64 * 1024, "a watcher's share", 60, () => $"{each} bytes");
        foreach (var watch in watches) await watch.DisposeAsync();
        Assert.True(_hub.IsIdle);
    }

    [Fact]
    public async Task What_is_held_for_watchers_that_never_read_is_bounded()
    {
        await NamespaceAsync("k8");
        var many = new ManyObjects(_versions);
        var watches = new List<Watcher>();
        for (var i = 0; i < 10; i++)
            watches.Add(await StartAsync("k8", new ListRequest { IsWatch = true }, reader: many));
        await Eventually.TrueAsync(() => many.Given >= 10 * many.Most && many.Most > 0, "each has begun");
        Assert.InRange(many.Most, 1, 100);
        var held = 0;
        await Eventually.TrueAsync(() => (held = many.Held) < 10, "no objects are held, only what is sent", 60, () => $"{held} objects");
        foreach (var watch in watches) await watch.DisposeAsync();
    }

    private static string Said(JsonNode line) => $"{line["type"]} {line["object"]!["metadata"]!["name"]}";

    private static ResourceVersion VersionOf(JsonNode line) =>
        ResourceVersion.TryParse((string?)line["object"]!["metadata"]!["resourceVersion"], out var version) ? version : throw new InvalidOperationException(line.ToJsonString());

    /// <summary>Changes that ran beside the version may come again before.</summary>
    private static async Task UntilAsync(Watcher watch, string wanted)
    {
        while (Said(await watch.NextAsync()) != wanted)
        {
        }
    }

    private async Task NamespaceAsync(string name) => (await _api.PutAsync($"/v1/namespaces/{name}", "{}")).Expect(201);

    private async Task WriteAsync(string ns, string name, string body) => Assert.InRange((await _api.PutAsync($"/v1/namespaces/{ns}/service-health-checks/{name}", body)).Status, 200, 201);

    private async Task<ResourceVersion> VersionAsync() => (await _versions.MomentAsync(Ct)).Version;

    private async Task<Watcher> StartAsync(string ns, ListRequest request, ObjectForm? form = null, IObjectReader? reader = null)
    {
        var from = request.Version is { } version ? await _versions.FindAsync(version, Ct) : null;
        Assert.Equal(request.Version is not null, from is not null);
        var shown = form ?? new ObjectForm.Whole();
        var begin = from ?? await _api.Services.GetRequiredService<ChangeFeedReader>().EndAsync(Ct);
        return new Watcher(new ObjectWatch(
            _hub, reader ?? _reader, request, ns, shown, () => new FormWriter(shown, _reader.Resource, new TableContext(DateTimeOffset.UtcNow, "cluster1")),
            _api.Services.GetRequiredService<ChangeFeedReader>(), TimeProvider.System), begin, isOfVersion: from is not null);
    }

    private sealed class Watcher : IAsyncDisposable
    {
        private readonly CancellationTokenSource _end = new();
        private readonly StreamReader _lines;
        private readonly Task _sending;

        public Watcher(ObjectWatch watch, FeedPosition begin, bool isOfVersion)
        {
            var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 64 * 1024, resumeWriterThreshold: 32 * 1024));
            _lines = new StreamReader(pipe.Reader.AsStream());
            _sending = Task.Run(() => watch.SendAsync(pipe.Writer.AsStream(), begin, isOfVersion, _end.Token));
            IsEndedBy = watch;
        }

        public bool IsEnded => IsEndedBy.IsCut;

        private ObjectWatch IsEndedBy { get; }

        public async Task<JsonNode> NextAsync()
        {
            using var limit = new CancellationTokenSource(Patience.Seconds(20));
            return JsonNode.Parse(await _lines.ReadLineAsync(limit.Token) ?? throw new EndOfStreamException())!;
        }

        public async ValueTask DisposeAsync()
        {
            await _end.CancelAsync();
            _lines.Dispose();
            await ((Task)_sending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _end.Dispose();
        }
    }
}
