using CN2.Api.Tests.Fixtures;
using Npgsql;

namespace CN2.Api.Tests.Http;

public sealed class ConventionTests(ApiServer api) : IClassFixture<ApiServer>
{
    private const string Hc = "/v1/namespaces/default/service-health-checks";

    [Fact]
    public async Task A_dry_run_answers_the_same_and_stores_nothing()
    {
        var dry = (await api.PostAsync("/v1/namespaces?dryRun=true", """{"name":"dry"}""")).Expect(201);
        Assert.Equal("/v1/namespaces/dry", dry.Location);
        (await api.GetAsync("/v1/namespaces/dry")).Expect(404);
        (await api.PostAsync("/v1/namespaces", """{"name":"dry"}""")).Expect(201);
        Assert.Equal("already-exists", (await api.PostAsync("/v1/namespaces?dryRun=true", """{"name":"dry"}""")).Expect(409).Code);
        (await api.DeleteAsync("/v1/namespaces/dry?dryRun=true")).Expect(204);
        (await api.GetAsync("/v1/namespaces/dry")).Expect(200);
    }

    [Fact]
    public async Task An_idempotency_key_gets_the_first_answer_again()
    {
        var first = (await api.PostAsync("/v1/namespaces", """{"name":"once"}""", ("Idempotency-Key", "k1"))).Expect(201);
        var again = (await api.PostAsync("/v1/namespaces", """{"name":"once"}""", ("Idempotency-Key", "k1"))).Expect(201);
        Assert.Equal(first, again with { Json = first.Json });
        Assert.Equal("idempotency-key-reused", (await api.PostAsync("/v1/namespaces", """{"name":"twice"}""", ("Idempotency-Key", "k1"))).Expect(409).Code);
        (await api.GetAsync("/v1/namespaces/twice")).Expect(404);
        Assert.Equal(["Idempotency-Key"], (await api.PostAsync("/v1/namespaces", """{"name":"long"}""", ("Idempotency-Key", new string('k', 256)))).Expect(400).ErrorPaths);
    }

    [Fact]
    public async Task A_dry_run_answers_what_its_idempotency_key_would_get_and_does_not_use_it_up()
    {
        (await api.PostAsync("/v1/namespaces?dryRun=true", """{"name":"dry-key"}""", ("Idempotency-Key", "k4"))).Expect(201);
        var first = (await api.PostAsync("/v1/namespaces", """{"name":"dry-keyed"}""", ("Idempotency-Key", "k4"))).Expect(201);
        var again = (await api.PostAsync("/v1/namespaces?dryRun=true", """{"name":"dry-keyed"}""", ("Idempotency-Key", "k4"))).Expect(201);
        Assert.Equal(first, again with { Json = first.Json });
        Assert.Equal("idempotency-key-reused", (await api.PostAsync("/v1/namespaces?dryRun=true", """{"name":"other"}""", ("Idempotency-Key", "k4"))).Expect(409).Code);
    }

    [Fact]
    public async Task HEAD_answers_like_GET_without_the_body()
    {
        var get = (await api.GetAsync("/v1/namespaces/default")).Expect(200);
        using var request = new HttpRequestMessage(HttpMethod.Head, "/v1/namespaces/default");
        using var head = await api.Client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal((200, get.ETag), ((int)head.StatusCode, head.Headers.ETag?.ToString()));
        Assert.Equal(System.Text.Encoding.UTF8.GetByteCount(get.Text), head.Content.Headers.ContentLength);
        Assert.Equal(404, (await api.SendAsync(HttpMethod.Head, "/v1/namespaces/absent")).Status);
        Assert.Equal(405, (await api.SendAsync(HttpMethod.Head, "/v1/watch")).Status);
        Assert.Equal(405, (await api.SendAsync(HttpMethod.Head, "/v1/watch/")).Status);
    }

    [Fact]
    public async Task The_message_names_a_resource_that_already_exists()
    {
        Assert.StartsWith("Namespace default exists already", (string?)(await api.PostAsync("/v1/namespaces", """{"name":"default"}""")).Expect(409).Json!["detail"], StringComparison.Ordinal);
        (await api.PutAsync($"{Hc}/there", """{"monitorType":"PING"}""")).Expect(201);
        Assert.StartsWith("ServiceHealthCheck default/there exists already",
            (string?)(await api.PostAsync(Hc, """{"name":"there","monitorType":"PING"}""")).Expect(409).Json!["detail"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_empty_selector_is_answered_as_it_was_written()
    {
        var selector = (await api.GetAsync("/v1/external-network-selectors/default-external")).Expect(200).Json!;
        Assert.Equal("{}", selector["namespaceSelector"]!.ToJsonString());
        Assert.Equal("""{"matchLabels":{"service.contrail.juniper.net/externalNetwork":"default-external"}}""", selector["networkSelector"]!.ToJsonString());
    }

    [Fact]
    public async Task A_refused_request_does_not_use_up_its_idempotency_key()
    {
        (await api.PostAsync("/v1/namespaces/later/service-health-checks", """{"name":"h","monitorType":"PING"}""", ("Idempotency-Key", "k2"))).Expect(404);
        (await api.PostAsync("/v1/namespaces", """{"name":"later"}""")).Expect(201);
        (await api.PostAsync("/v1/namespaces/later/service-health-checks", """{"name":"h","monitorType":"PING"}""", ("Idempotency-Key", "k2"))).Expect(201);
    }

    [Fact]
    public async Task Concurrent_requests_with_one_idempotency_key_create_once()
    {
        var replies = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => api.PostAsync("/v1/namespaces", """{"name":"raced"}""", ("Idempotency-Key", "k3"))));
        Assert.All(replies, r => r.Expect(201));
        Assert.Single(replies.Select(r => r.Text).Distinct());
    }

    [Fact]
    public async Task Concurrent_identical_PUTs_create_once_and_the_others_return_200()
    {
        var replies = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => api.PutAsync("/v1/namespaces/put-race", "{}")));
        Assert.Single(replies, r => r.Status == 201);
        Assert.Equal(7, replies.Count(r => r.Status == 200));
    }

    [Theory]
    [InlineData("\"1\"", 200)]
    [InlineData("*", 200)]
    [InlineData("\"7\", \"1\"", 200)]
    [InlineData("\"2\"", 412)]
    [InlineData("W/\"1\"", 412)]
    [InlineData("1", 400)]
    [InlineData("\"1", 400)]
    public async Task If_Match_compares_the_generation_strongly(string tag, int status)
    {
        await api.PutAsync($"{Hc}/tagged", """{"monitorType":"PING"}""");
        (await api.PutAsync($"{Hc}/tagged", """{"monitorType":"PING"}""", ("If-Match", tag))).Expect(status);
    }

    [Fact]
    public async Task If_Match_on_a_missing_resource_is_412()
    {
        Assert.Equal("precondition-failed", (await api.PutAsync("/v1/namespaces/unborn", "{}", ("If-Match", "*"))).Expect(412).Code);
        (await api.GetAsync("/v1/namespaces/unborn")).Expect(404);
    }

    [Fact]
    public async Task A_PUT_of_the_answer_of_GET_changes_nothing()
    {
        var created = (await api.PostAsync(Hc, """{"name":"round","monitorType":"HTTP","labels":{"b":"2","a":"1"}}""")).Expect(201);
        var changes = await CountChangesAsync();
        var put = (await api.PutAsync($"{Hc}/round", created.Text)).Expect(200);
        Assert.Equal(created.Text, put.Text);
        Assert.Equal(changes, await CountChangesAsync());
    }

    [Fact]
    public async Task Pages_follow_each_other_in_the_order_of_names()
    {
        foreach (var i in Enumerable.Range(0, 7)) (await api.PutAsync($"/v1/namespaces/page-{i}", """{"labels":{"set":"pages"}}""")).Expect(201);
        var names = new List<string>();
        string? cursor = null;
        do
        {
            var page = (await api.GetAsync($"/v1/namespaces?limit=3&labelSelector=set%3Dpages{(cursor is null ? "" : $"&cursor={cursor}")}")).Expect(200).Json!;
            names.AddRange(page["items"]!.AsArray().Select(i => (string)i!["name"]!));
            cursor = (string?)page["nextCursor"];
        }
        while (cursor is not null);
        Assert.Equal(Enumerable.Range(0, 7).Select(i => $"page-{i}"), names);
    }

    [Fact]
    public async Task A_cursor_of_another_query_is_refused()
    {
        foreach (var i in Enumerable.Range(0, 3)) (await api.PutAsync($"/v1/namespaces/cursor-{i}", "{}")).Expect(201);
        var cursor = (string?)(await api.GetAsync("/v1/namespaces?limit=1")).Json!["nextCursor"];
        Assert.NotNull(cursor);
        (await api.GetAsync($"/v1/namespaces?limit=2&cursor={cursor}")).Expect(200);
        Assert.Equal(["cursor"], (await api.GetAsync($"/v1/virtual-routers?cursor={cursor}")).Expect(400).ErrorPaths);
        Assert.Equal(["cursor"], (await api.GetAsync($"/v1/namespaces?labelSelector=a%3Db&cursor={cursor}")).Expect(400).ErrorPaths);
    }

    [Theory]
    [InlineData("tier=web", "l1 l2")]
    [InlineData("tier==web,env!=prod", "l2")]
    [InlineData("tier in (web,db)", "l1 l2 l3")]
    [InlineData("tier notin (web)", "l3 l4")]
    [InlineData("env", "l1 l3")]
    [InlineData("!env", "l2 l4")]
    [InlineData("!env,tier", "l2")]
    public async Task Label_selectors_match_as_in_Kubernetes(string selector, string expected)
    {
        foreach (var (name, labels) in new[] { ("l1", """{"tier":"web","env":"prod"}"""), ("l2", """{"tier":"web"}"""), ("l3", """{"tier":"db","env":"prod"}"""), ("l4", "{}") })
            await api.PutAsync($"{Hc}/{name}", """{"monitorType":"PING","labels":""" + labels + "}");
        var items = (await api.GetAsync($"{Hc}?labelSelector={Uri.EscapeDataString(selector)}")).Expect(200).Json!["items"]!.AsArray();
        var names = items.Select(i => (string)i!["name"]!).Where(n => n is "l1" or "l2" or "l3" or "l4");
        Assert.Equal(expected, string.Join(' ', names));
    }

    private async Task<long> CountChangesAsync()
    {
        await using var connection = new NpgsqlConnection(api.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("SELECT count(*) FROM change WHERE name = 'round'", connection);
        return (long)(await command.ExecuteScalarAsync())!;
    }
}
