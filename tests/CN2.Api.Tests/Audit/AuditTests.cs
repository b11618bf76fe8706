using System.Globalization;
using System.Text.Json.Nodes;
using CN2.Api.Audit;
using CN2.Api.Tests.Kubernetes.Requests;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace CN2.Api.Tests.Audit;

/// <summary>What is in the audit log after writes through both doors.</summary>
public sealed class AuditTests(WritesServer api) : IClassFixture<WritesServer>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_write_has_one_entry_that_says_who_what_and_how_it_ended()
    {
        await api.NamespaceAsync("aud1");
        const string path = "/v1/namespaces/aud1/services";
        var uid = (string?)(await api.PostAsync(path, """{"name":"web","type":"ClusterIP","ports":[{"port":80},{"name":"b","port":81}]}""", ("X-Request-Id", "portal-7"))).Expect(201).Json!["uid"];
        (await api.PatchAsync($"{path}/web", """{"labels":{"a.b/c":"d"},"ports":[{"port":80},{"name":"b","port":82}]}""")).Expect(200);
        (await api.DeleteAsync($"{path}/web")).Expect(204);

        var entries = await EntriesAsync("namespace=aud1");
        Assert.Equal(["delete 204 2", "patch 200 2", "create 201 1"], entries.Select(e => $"{e["verb"]} {e["status"]} {e["generation"]}"));
        Assert.All(entries, e => Assert.Equal(("services", "aud1", "web", uid), ((string?)e["resource"], (string?)e["namespace"], (string?)e["name"], (string?)e["uid"])));
        Assert.Equal(["labels[a.b/c]", "ports[1].port", "ports[1].targetPort"], Changes(entries[1]).Order(StringComparer.Ordinal));
        var created = entries[2];
        Assert.Equal(("portal-7", "POST", path, "127.0.0.1"), ((string?)created["requestId"], (string?)created["method"], (string?)created["path"], (string?)created["source"]));
        Assert.Equal(("Anonymous", "anonymous"), ((string?)created["caller"]!["kind"], (string?)created["caller"]!["name"]));
        Assert.Null((string?)created["code"]);
    }

    [Fact]
    public async Task Both_doors_give_the_same_entries()
    {
        await api.NamespaceAsync("aud-v1");
        await api.NamespaceAsync("aud-kube");
        (await api.PostAsync("/v1/namespaces/aud-v1/services", """{"name":"web","type":"ClusterIP","ports":[{"port":80}]}""")).Expect(201);
        (await api.PatchAsync("/v1/namespaces/aud-v1/services/web", """{"selector":{"app":"web"},"sessionAffinity":"ClientIP"}""")).Expect(200);
        (await api.DeleteAsync("/v1/namespaces/aud-v1/services/web")).Expect(204);
        const string kube = "/api/v1/namespaces/aud-kube/services";
        (await api.CreateAsync(kube, """{"metadata":{"name":"web"},"spec":{"ports":[{"port":80}]}}""")).Expect(201);
        (await api.ChangeAsync($"{kube}/web", """{"spec":{"selector":{"app":"web"},"sessionAffinity":"ClientIP"}}""", WritesServer.Merge)).Expect(200);
        (await api.RemoveAsync($"{kube}/web")).Expect(200);

        Assert.Equal(await EntriesAsync("namespace=aud-v1").ContinueWith(t => t.Result.Select(Alike), Token), (await EntriesAsync("namespace=aud-kube")).Select(Alike));

        static string Alike(JsonNode e) => $"{e["verb"]} {e["resource"]} {e["name"]} {e["generation"]} {string.Join(',', Changes(e))}";
    }

    /// <summary>For each kind: a write that changes nothing names no field, and one that changes a field names that alone.</summary>
    [Theory]
    [InlineData("namespaces/audns", "{}", """{"labels":{"a":"b"}}""", "labels.a")]
    [InlineData("external-network-selectors/audsel", """{"networkSelector":{"matchLabels":{"a":"b"}}}""", """{"networkSelector":{"matchLabels":{"a":"c"}}}""", "networkSelector.matchLabels.a")]
    [InlineData("namespaces/default/external-networks/audvn", """{"subnets":[{"cidr":"100.64.9.0/24"}]}""", """{"priority":7}""", "priority")]
    [InlineData("namespaces/default/services/audsvc", """{"ports":[{"port":80}]}""", """{"externalTrafficPolicy":"Cluster"}""", "externalTrafficPolicy")]
    [InlineData("namespaces/default/service-health-checks/audhc", """{"monitorType":"HTTP"}""", """{"delay":9}""", "delay")]
    [InlineData("namespaces/default/virtual-machine-interfaces/audvmi", """{"addresses":["10.9.9.9"],"virtualRouter":"c1"}""", """{"ready":false}""", "ready")]
    [InlineData("virtual-routers/audvr", """{"address":"10.99.0.1"}""", """{"adminDown":true}""", "adminDown")]
    [InlineData("bgp-routers/audbr", """{"address":"10.99.0.2","autonomousSystem":1,"authKey":"audit-s3cret"}""", """{"holdTime":30}""", "holdTime")]
    [InlineData("bgp-routers/audbs", """{"address":"10.99.0.3","autonomousSystem":1,"authKey":"audit-s3cret"}""", """{"authKey":"audit-0ther"}""", "authKey")]
    [InlineData("namespaces/default/floating-ips/audfip", """{"externalNetwork":"audfipnet"}""", """{"annotations":{"a":"b"}}""", "annotations.a")]
    public async Task Of_a_change_exactly_the_changed_fields_are_named(string path, string body, string patch, string expected)
    {
        if (path.Contains("floating", StringComparison.Ordinal)) (await api.PutAsync("/v1/namespaces/default/external-networks/audfipnet", """{"subnets":[{"cidr":"100.64.10.0/24"}]}""")).Expect(201);
        (await api.PutAsync($"/v1/{path}", body)).Expect(201);
        (await api.PutAsync($"/v1/{path}", body)).Expect(200);
        (await api.PatchAsync($"/v1/{path}", patch)).Expect(200);
        (await api.PatchAsync($"/v1/{path}", patch)).Expect(200);
        (await api.DeleteAsync($"/v1/{path}")).Expect(204);
        var entries = await OfPathAsync($"/v1/{path}");
        Assert.Equal(["delete 2 ", "patch 2 ", $"patch 2 {expected}", "update 1 ", "create 1 "], entries.Select(e => $"{e["verb"]} {e["generation"]} {string.Join(',', Changes(e))}"));
    }

    [Fact]
    public async Task A_batch_has_an_entry_for_each_item()
    {
        await api.NamespaceAsync("aud2");
        string Items(string ready) => string.Join(',', Enumerable.Range(1, 20).Select(i => $$$$"""{"name":"e{{{{i}}}}","addresses":["10.88.0.{{{{i}}}}"],"virtualRouter":"c9","ready":{{{{(i == 7 ? ready : "true")}}}}}"""));
        (await api.PostAsync("/v1/namespaces/aud2/virtual-machine-interfaces:batch", $$"""{"items":[{{Items("true")}}]}""")).Expect(200);
        (await api.PostAsync("/v1/namespaces/aud2/virtual-machine-interfaces:batch", $$"""{"items":[{{Items("false")}}]}""")).Expect(200);
        var entries = await EntriesAsync("namespace=aud2");
        Assert.Equal(40, entries.Count(e => (string?)e["verb"] == "batch" && (string?)e["resource"] == "virtual-machine-interfaces"));
        Assert.Equal(20, entries.Select(e => (string?)e["uid"]).Distinct().Count());
        Assert.Equal("e7 2 ready", Assert.Single(entries, e => Changes(e).Any()) is var e ? $"{e["name"]} {e["generation"]} {string.Join(',', Changes(e))}" : null);
    }

    [Fact]
    public async Task Creates_that_share_a_transaction_have_an_entry_each_and_a_refused_one_among_them_none_of_a_write()
    {
        await api.NamespaceAsync("aud3");
        var answers = await Task.WhenAll(Enumerable.Range(0, 300).Select(i => api.PostAsync(
            "/v1/namespaces/aud3/services", $$$$"""{"name":"s{{{{i / 2}}}}","type":"ClusterIP","ports":[{"port":80}]}""", ("X-Request-Id", $"aud3-{i}"))));
        Assert.Equal((150, 150), (answers.Count(a => a.Status == 201), answers.Count(a => a.Status == 409)));
        await EventuallyAsync("namespace=aud3", found => found.Where(e => (int)e["status"]! == 409).Sum(e => (int)e["repeated"]!) == 150);
        var created = (await EntriesAsync("namespace=aud3")).Where(e => (int)e["status"]! == 201).ToList();
        var services = (await api.GetAsync("/v1/namespaces/aud3/services?limit=1000")).Json!["items"]!.AsArray();
        Assert.Equal(services.Select(s => $"{s!["name"]} {s["uid"]}").Order(StringComparer.Ordinal), created.Select(e => $"{e["name"]} {e["uid"]}").Order(StringComparer.Ordinal));
        foreach (var (answer, i) in answers.Select((a, i) => (a, i)).Where(a => a.a.Status == 201))
            Assert.Equal($"s{i / 2}", (string?)Assert.Single(created, e => (string?)e["requestId"] == $"aud3-{i}")["name"]);
    }

    [Fact]
    public async Task Kubernetes_creates_that_share_a_transaction_have_an_entry_each()
    {
        await api.NamespaceAsync("aud4");
        var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => api.CreateAsync("/api/v1/namespaces/aud4/services", $$$$"""{"metadata":{"name":"k{{{{i}}}}"},"spec":{"ports":[{"port":80}]}}""")));
        Assert.All(answers, a => a.Expect(201));
        Assert.Equal(answers.Select(a => (string?)a.Json!["metadata"]!["uid"]).Order(), (await EntriesAsync("namespace=aud4")).Select(e => (string?)e["uid"]).Order());
    }

    [Fact]
    public async Task A_refusal_has_an_entry_with_its_code_and_no_uid()
    {
        await api.NamespaceAsync("aud5");
        const string path = "/v1/namespaces/aud5/services";
        (await api.PostAsync(path, """{"name":"web","ports":[]}""")).Expect(400);
        (await api.DeleteAsync($"{path}/missing")).Expect(404);
        (await api.PutAsync($"{path}/web", """{"name":"web","ports":[{"port":80}]}""", ("If-Match", "\"7\""))).Expect(412);
        (await api.PostAsync(path, "{", ("Content-Type", "text/plain"))).Expect(415);
        (await api.RemoveAsync("/api/v1/namespaces/aud5/services/missing")).Expect(404);
        (await api.GetAsync($"{path}/missing")).Expect(404);
        var entries = await EventuallyAsync("namespace=aud5", found => found.Count == 5);
        Assert.Equal(
            ["create 400 validation-failed", "create 415 unsupported-media-type", "delete 404 NotFound", "delete 404 not-found", "update 412 precondition-failed"],
            entries.Select(e => $"{e["verb"]} {e["status"]} {e["code"]}").Order(StringComparer.Ordinal));
        Assert.All(entries, e => Assert.Null((string?)e["uid"]));
        Assert.Contains(entries, e => (string?)e["name"] == "missing");
    }

    [Fact]
    public async Task A_dry_run_is_there_as_one()
    {
        await api.NamespaceAsync("aud6");
        (await api.PostAsync("/v1/namespaces/aud6/services?dryRun=true", """{"name":"web","ports":[{"port":80}]}""")).Expect(201);
        (await api.CreateAsync("/api/v1/namespaces/aud6/services?dryRun=All", """{"metadata":{"name":"web"},"spec":{"ports":[{"port":80}]}}""")).Expect(201);
        var entries = await EventuallyAsync("namespace=aud6", found => found.Count == 2);
        Assert.All(entries, e => Assert.Equal(("create", 201, true, "web"), ((string?)e["verb"], (int)e["status"]!, (bool)e["dryRun"]!, (string?)e["name"])));
    }

    [Fact]
    public async Task The_answer_of_a_repeated_request_is_no_write()
    {
        await api.NamespaceAsync("aud7");
        for (var i = 0; i < 3; i++)
            (await api.PostAsync("/v1/namespaces/aud7/services", """{"name":"web","type":"ClusterIP","ports":[{"port":80}]}""", ("Idempotency-Key", "aud7"))).Expect(201);
        Assert.Single(await EntriesAsync("namespace=aud7"));
    }

    /// <summary>The write waits for a row that the test holds, loses its connection, and is made again by another one.</summary>
    [Fact]
    public async Task A_connection_that_dies_in_the_middle_leaves_one_entry_for_the_write_that_counts()
    {
        await api.NamespaceAsync("aud8");
        (await api.PostAsync("/v1/namespaces/aud8/service-health-checks", """{"name":"hc","monitorType":"PING"}""")).Expect(201);
        await using var holder = new NpgsqlConnection(api.ConnectionString);
        await holder.OpenAsync(Token);
        var transaction = await holder.BeginTransactionAsync(Token);
        await ExecuteAsync(holder, "SELECT FROM service_health_check WHERE namespace = 'aud8' FOR UPDATE");
        var patching = api.PatchAsync("/v1/namespaces/aud8/service-health-checks/hc", """{"delay":7}""");
        await Eventually.TrueAsync(async () => await ScalarAsync("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") is > 0L);
        await transaction.RollbackAsync(Token);
        (await patching).Expect(200);
        Assert.Equal(["patch delay", "create "], (await EntriesAsync("namespace=aud8")).Select(e => $"{e["verb"]} {string.Join(',', Changes(e))}"));
    }

    [Fact]
    public async Task What_a_constraint_refuses_at_the_commit_has_no_entry_of_a_write()
    {
        await api.NamespaceAsync("aud9");
        await using var connection = new NpgsqlConnection(api.ConnectionString);
        await connection.OpenAsync(Token);
        await ExecuteAsync(connection,
            """
            CREATE FUNCTION aud9() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'floating_ip_address', MESSAGE = 'no'; END $$;
            CREATE CONSTRAINT TRIGGER aud9 AFTER INSERT ON service_health_check DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.namespace = 'aud9') EXECUTE FUNCTION aud9();
            """);
        (await api.PostAsync("/v1/namespaces/aud9/service-health-checks", """{"name":"hc","monitorType":"PING"}""")).Expect(409);
        await ExecuteAsync(connection, "DROP TRIGGER aud9 ON service_health_check; DROP FUNCTION aud9()");
        Assert.Equal(409, (int)Assert.Single(await EventuallyAsync("namespace=aud9", found => found.Count == 1))["status"]!);
    }

    [Fact]
    public async Task Pages_show_each_entry_once_while_others_are_added()
    {
        await api.NamespaceAsync("aud10");
        for (var i = 0; i < 12; i++) (await api.PostAsync("/v1/namespaces/aud10/service-health-checks", $$"""{"name":"h{{i}}","monitorType":"PING"}""")).Expect(201);
        var seen = new List<string>();
        var cursor = "";
        for (var page = 0; page < 5; page++)
        {
            var answer = (await api.GetAsync($"/v1/audit?namespace=aud10&limit=3{cursor}")).Expect(200).Json!;
            seen.AddRange(answer["items"]!.AsArray().Select(e => (string)e!["name"]!));
            cursor = (string?)answer["nextCursor"] is { } next ? $"&cursor={next}" : "";
            (await api.PostAsync("/v1/namespaces/aud10/service-health-checks", $$"""{"name":"later{{page}}","monitorType":"PING"}""")).Expect(201);
        }

        Assert.Equal([.. Enumerable.Range(0, 12).Reverse().Select(i => $"h{i}"), "aud10"], seen);
        Assert.Equal("", cursor);
    }

    [Fact]
    public async Task Entries_are_chosen_by_caller_namespace_and_time()
    {
        await api.NamespaceAsync("aud11");
        var origin = AuditOrigin.OfCommand("token create");
        var at = DateTimeOffset.Parse("2020-05-05T05:05:05Z", CultureInfo.InvariantCulture);
        await InsertAsync([.. Enumerable.Range(0, 3).Select(i => new AuditEntry(origin, at.AddSeconds(i), new AuditSubject("tokens", null, $"t{i}", null, null), 201))]);
        Assert.Equal(["t2", "t1", "t0"], (await EntriesAsync("caller=cli&to=2020-06-01T00:00:00Z")).Select(e => (string?)e["name"]));
        Assert.Equal(["Cli cli CLI token create create 201"], (await EntriesAsync("caller=cli&to=2020-06-01T00:00:00Z&limit=1")).Select(e => $"{e["caller"]!["kind"]} {e["caller"]!["name"]} {e["method"]} {e["path"]} {e["verb"]} {e["status"]}"));
        Assert.Equal(["t1"], (await EntriesAsync("from=2020-05-05T05:05:06Z&to=2020-05-05T05:05:07Z")).Select(e => (string?)e["name"]));
        Assert.Equal(["t1"], (await EntriesAsync("from=2020-05-05T07:05:06.000%2B02:00&to=2020-05-05T05:05:06.5Z")).Select(e => (string?)e["name"]));
        Assert.Empty(await EntriesAsync("caller=nobody"));
        Assert.Empty(await EntriesAsync("namespace=aud11&caller=cli"));
    }

    [Fact]
    public async Task Entries_are_chosen_by_name_resource_and_request()
    {
        await api.NamespaceAsync("aud14");
        foreach (var (name, id) in new[] { ("a", "aud14-1"), ("b", "aud14-2") })
        {
            (await api.PostAsync("/v1/namespaces/aud14/service-health-checks", $$"""{"name":"{{name}}","monitorType":"PING"}""", ("X-Request-Id", id))).Expect(201);
            (await api.PostAsync("/v1/namespaces/aud14/services", $$"""{"name":"{{name}}","type":"ClusterIP","ports":[{"port":80}]}""")).Expect(201);
        }

        Assert.Equal(["services b", "service-health-checks b"], await ListAsync("namespace=aud14&name=b"));
        Assert.Equal(["services b", "services a"], await ListAsync("namespace=aud14&resource=services"));
        Assert.Equal(["service-health-checks a"], await ListAsync("requestId=aud14-1"));
        Assert.Equal(["services a"], await ListAsync("namespace=aud14&resource=services&name=a"));
        Assert.Empty(await ListAsync("requestId=aud14-1&name=b"));
        var page = (await api.GetAsync("/v1/audit?namespace=aud14&resource=services&limit=1")).Expect(200).Json!;
        Assert.Equal("b", (string?)page["items"]![0]!["name"]);
        Assert.Equal(["name"], (await api.GetAsync($"/v1/audit?name=&cursor={(string?)page["nextCursor"]}&namespace=aud14&resource=services")).Expect(400).ErrorPaths);
        Assert.Equal("a", (string?)(await api.GetAsync($"/v1/audit?namespace=aud14&resource=services&limit=1&cursor={(string?)page["nextCursor"]}")).Expect(200).Json!["items"]![0]!["name"]);

        async Task<IEnumerable<string>> ListAsync(string query) => (await EntriesAsync(query)).Select(e => $"{e["resource"]} {e["name"]}");
    }

    [Fact]
    public async Task A_network_has_the_same_word_whichever_door_wrote_or_deleted_it()
    {
        await api.NamespaceAsync("aud15");
        const string vn = "/apis/core.contrail.juniper.net/v1alpha1/namespaces/aud15";
        (await api.CreateAsync($"{vn}/subnets", """{"apiVersion":"core.contrail.juniper.net/v1alpha1","kind":"Subnet","metadata":{"name":"net"},"spec":{"cidr":"100.65.1.0/24"}}""")).Expect(201);
        (await api.CreateAsync($"{vn}/virtualnetworks", """{"apiVersion":"core.contrail.juniper.net/v1alpha1","kind":"VirtualNetwork","metadata":{"name":"net"},"spec":{"v4SubnetReference":{"name":"net"}}}""")).Expect(201);
        (await api.ChangeAsync($"{vn}/virtualnetworks/net", """{"metadata":{"labels":{"a":"b"}}}""", WritesServer.Merge)).Expect(200);
        (await api.RemoveAsync($"{vn}/virtualnetworks/net")).Expect(200);
        (await api.PutAsync("/v1/namespaces/aud15/external-networks/net2", """{"subnets":[{"cidr":"100.65.2.0/24"}]}""")).Expect(201);
        (await api.DeleteAsync("/v1/namespaces/aud15/external-networks/net2")).Expect(204);
        (await api.CreateAsync($"{vn}/virtualnetworks", """{"apiVersion":"core.contrail.juniper.net/v1alpha1","kind":"VirtualNetwork","metadata":{"name":"alone"},"spec":{"v4SubnetReference":{"name":"none"}}}""")).Expect(201);
        (await api.RemoveAsync($"{vn}/virtualnetworks/alone")).Expect(200);
        Assert.Equal(
            [
                "delete virtualnetworks.core.contrail.juniper.net alone", "create virtualnetworks.core.contrail.juniper.net alone",
                "delete external-networks net2", "create external-networks net2",
                "delete external-networks net", "patch external-networks net labels.a", "create external-networks net", "create subnets.core.contrail.juniper.net net",
            ],
            (await EntriesAsync("namespace=aud15")).Select(e => $"{e["verb"]} {e["resource"]} {e["name"]} {string.Join(',', Changes(e))}".TrimEnd()));
    }

    [Fact]
    public async Task What_goes_with_a_Namespace_has_entries_of_who_deleted_that()
    {
        await api.NamespaceAsync("aud16", "100.65.16.0/24");
        (await api.PostAsync("/v1/namespaces/aud16/services", """{"name":"web","type":"ClusterIP","ports":[{"port":80}]}""")).Expect(201);
        (await api.PostAsync("/v1/namespaces/aud16/service-health-checks", """{"name":"hc","monitorType":"PING"}""")).Expect(201);
        (await api.PostAsync("/v1/namespaces/aud16/floating-ips", """{"name":"vip","externalNetwork":"net"}""")).Expect(201);
        (await api.CreateAsync("/apis/core.contrail.juniper.net/v1alpha1/namespaces/aud16/virtualnetworks", """{"apiVersion":"core.contrail.juniper.net/v1alpha1","kind":"VirtualNetwork","metadata":{"name":"alone"},"spec":{"v4SubnetReference":{"name":"none"}}}""")).Expect(201);
        (await api.RemoveAsync("/api/v1/namespaces/aud16")).Expect(200);
        await Eventually.TrueAsync(async () => (await api.GetAsync("/v1/namespaces/aud16")).Status == 404, "the namespace is gone");
        var entries = (await AllAsync("namespace=aud16")).FindAll(e => (string?)e["verb"] == "delete");
        Assert.Equal(
            ["external-networks net", "floating-ips vip", "namespaces aud16", "service-health-checks hc", "services web", "virtualnetworks.core.contrail.juniper.net alone"],
            entries.Select(e => $"{e["resource"]} {e["name"]}").Order(StringComparer.Ordinal));
        Assert.All(entries, e => Assert.Equal(("aud16", "anonymous", "/api/v1/namespaces/aud16"), ((string?)e["namespace"], (string?)e["caller"]!["name"], (string?)e["path"])));
        Assert.Single(entries.Select(e => (string?)e["requestId"]).Distinct());
        Assert.All(entries, e => Assert.NotNull((string?)e["uid"]));
    }

    [Theory]
    [InlineData("name=", "name")]
    [InlineData("resource=", "resource")]
    [InlineData("requestId=", "requestId")]
    [InlineData("requestId=%00", "requestId")]
    [InlineData("caller=", "caller")]
    [InlineData("namespace=", "namespace")]
    [InlineData("from=yesterday", "from")]
    [InlineData("to=2026-01-31", "to")]
    [InlineData("to=2026-01-31T12:00:00", "to")]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=1001", "limit")]
    [InlineData("cursor=x", "cursor")]
    [InlineData("labelSelector=a", "labelSelector")]
    [InlineData("user=a", "user")]
    [InlineData("caller=a&caller=b", "caller")]
    [InlineData("caller=%00", "caller")]
    public async Task A_wrong_query_is_refused(string query, string fault) => Assert.Equal([fault], (await api.GetAsync($"/v1/audit?{query}")).Expect(400).ErrorPaths);

    [Fact]
    public async Task A_cursor_of_another_query_is_refused()
    {
        (await api.PostAsync("/v1/namespaces", """{"name":"aud12"}""")).Expect(201);
        (await api.PostAsync("/v1/namespaces", """{"name":"aud13"}""")).Expect(201);
        var cursor = (string?)(await api.GetAsync("/v1/audit?limit=1")).Expect(200).Json!["nextCursor"];
        (await api.GetAsync($"/v1/audit?limit=1&cursor={cursor}")).Expect(200);
        Assert.Equal(["cursor"], (await api.GetAsync($"/v1/audit?limit=1&caller=cli&cursor={cursor}")).Expect(400).ErrorPaths);
    }

    [Fact]
    public async Task Entries_are_removed_after_their_time_in_small_steps()
    {
        var old = DateTimeOffset.UtcNow.AddDays(-91);
        var origin = AuditOrigin.OfCommand("of long ago");
        for (var i = 0; i < 6; i++) await InsertAsync([.. Enumerable.Range(0, 1000).Select(_ => new AuditEntry(origin, old, AuditSubject.Of(default), 200))]);
        await InsertAsync([new AuditEntry(origin, DateTimeOffset.UtcNow.AddDays(-89), AuditSubject.Of(default), 200)]);
        await ActivatorUtilities.CreateInstance<CN2.Api.Data.Retention>(api.Services).RunOnceAsync(Token);
        Assert.Equal(1L, await ScalarAsync("SELECT count(*) FROM audit WHERE path = 'of long ago'"));
    }

    private static IEnumerable<string> Changes(JsonNode entry) => entry["changes"]!.AsArray().Select(c => (string)c!);

    /// <summary>Without those of Namespaces, which each test makes for itself.</summary>
    private async Task<List<JsonNode>> EntriesAsync(string query) => (await AllAsync(query)).FindAll(e => !query.StartsWith("namespace=", StringComparison.Ordinal) || (string?)e["resource"] != "namespaces");

    private async Task<List<JsonNode>> AllAsync(string query) => [.. (await api.GetAsync($"/v1/audit?{(query.Contains("limit", StringComparison.Ordinal) ? query : query + "&limit=1000")}")).Expect(200).Json!["items"]!.AsArray().Select(e => e!)];

    private async Task<List<JsonNode>> OfPathAsync(string path) => (await EntriesAsync("limit=1000")).FindAll(e => (string?)e["path"] == path);

    private async Task<List<JsonNode>> EventuallyAsync(string query, Func<List<JsonNode>, bool> condition)
    {
        List<JsonNode> found = [];
        await Eventually.TrueAsync(async () => condition(found = await EntriesAsync(query)), query, seen: () => string.Join('\n', found));
        return found;
    }

    private async Task InsertAsync(List<AuditEntry> entries)
    {
        await using var connection = new NpgsqlConnection(api.ConnectionString);
        await connection.OpenAsync(Token);
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { AuditTable.Insert(entries) } };
        await batch.ExecuteNonQueryAsync(Token);
    }

    private async Task<object?> ScalarAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(api.ConnectionString);
        await connection.OpenAsync(Token);
#pragma warning disable CA2100 // Fixed texts of this file.
        await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        return await command.ExecuteScalarAsync(Token);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
#pragma warning disable CA2100 // Fixed texts of this file.
        await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync(Token);
    }
}
