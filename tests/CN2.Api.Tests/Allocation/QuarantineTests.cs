using System.Text.Json.Nodes;
using CN2.Api.Services;
using CN2.Api.Tests.Fixtures;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace CN2.Api.Tests.Allocation;

/// <summary>
/// A released address rests before somebody else gets it (docs/contract.md §3, quarantineSeconds). Each test has a network of its own, which namespace
/// <c>rest</c> and namespace <c>other</c> use.
/// </summary>
public sealed class QuarantineTests(ApiServerWithoutReconciler api) : IClassFixture<ApiServerWithoutReconciler>
{
    private const string Networks = "/v1/namespaces/rest/external-networks";
    private const string Mine = "/v1/namespaces/rest";
    private const string Theirs = "/v1/namespaces/other";

    [Fact]
    public async Task A_released_address_goes_back_to_its_last_holder_and_to_nobody_else_while_others_are_free()
    {
        await NetworkAsync("own", """[{"cidr":"60.0.0.0/28"},{"cidr":"2a06:60::/124"}]""");
        Assert.Equal("60.0.0.2 2a06:60::2", await ServiceAsync("own", "s", families: true));
        Assert.Equal("60.0.0.3", await FloatingIPAsync("own", "vip"));
        (await api.DeleteAsync($"{Mine}/services/s")).Expect(204);
        (await api.DeleteAsync($"{Mine}/floating-ips/vip")).Expect(204);
        Assert.Equal("60.0.0.4 2a06:60::3", await ServiceAsync("own", "t", families: true));
        Assert.Equal("60.0.0.5", await FloatingIPAsync("own", "vip2"));
        Assert.Equal("60.0.0.6", await FloatingIPAsync("own", "vip", Theirs));

        Assert.Equal("60.0.0.3", await FloatingIPAsync("own", "vip"));
        Assert.Equal("60.0.0.2 2a06:60::2", await ServiceAsync("own", "s", families: true));
        Assert.Equal("60.0.0.7", await FloatingIPAsync("own", "next"));
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Fact]
    public async Task When_nothing_else_is_free_the_address_that_was_released_first_is_given()
    {
        await NetworkAsync("full", """[{"cidr":"60.1.0.0/29"}]""");
        for (var i = 2; i < 7; i++) Assert.Equal($"60.1.0.{i}", await FloatingIPAsync("full", $"full{i}"));
        foreach (var i in (int[])[5, 3, 4]) (await api.DeleteAsync($"{Mine}/floating-ips/full{i}")).Expect(204);
        Assert.Equal("60.1.0.5", await FloatingIPAsync("full", "fuller1", Theirs));
        Assert.Equal("60.1.0.4", await FloatingIPAsync("full", "full4"));
        Assert.Equal("60.1.0.3", await FloatingIPAsync("full", "fuller2", Theirs));
        Assert.Equal("addresses-exhausted", (await api.PostAsync($"{Theirs}/floating-ips", """{"name":"fuller3","externalNetwork":"rest/full"}""")).Expect(409).Code);
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Fact]
    public async Task An_address_that_rests_is_given_only_when_no_subnet_of_the_network_has_a_free_one()
    {
        await NetworkAsync("several", """[{"cidr":"60.2.0.0/30"},{"cidr":"60.2.1.0/30"},{"cidr":"60.2.2.0/30"}]""");
        Assert.Equal("60.2.0.2", await FloatingIPAsync("several", "several1"));
        (await api.DeleteAsync($"{Mine}/floating-ips/several1")).Expect(204);
        Assert.Equal("60.2.1.2", await FloatingIPAsync("several", "several2"));
        Assert.Equal("60.2.2.2", await FloatingIPAsync("several", "several3"));
        Assert.Equal("60.2.0.2", await FloatingIPAsync("several", "several4"));
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Fact]
    public async Task An_address_rests_for_every_replica_and_over_a_restart()
    {
        await NetworkAsync("replicas", """[{"cidr":"60.3.0.0/28"}]""");
        Assert.Equal("60.3.0.2", await FloatingIPAsync("replicas", "replica1"));
        (await api.DeleteAsync($"{Mine}/floating-ips/replica1")).Expect(204);
        for (var start = 0; start < 2; start++)
        {
            await using var app = ApiHost.Build(
                ["--ConnectionStrings:CN2", api.ConnectionString, "--Bgp:Engine", "none", "--Http:Url", "http://127.0.0.1:0", "--Grpc:Url", "http://127.0.0.1:0", "--Auth:Mode", "none", "--Agents:Mode", "none", "--Logging:LogLevel:Default", "Warning"]);
            await app.StartAsync(TestContext.Current.CancellationToken);
            using var replica = new HttpClient { BaseAddress = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()) };
            using var body = new StringContent($$"""{"name":"replica-{{start}}","externalNetwork":"rest/replicas"}""", System.Text.Encoding.UTF8, "application/json");
            using var answer = await replica.PostAsync(new Uri($"{Theirs}/floating-ips", UriKind.Relative), body, TestContext.Current.CancellationToken);
            Assert.Equal($"60.3.0.{3 + start}", (string?)JsonNode.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!["address"]);
        }

        Assert.Equal("60.3.0.2", await FloatingIPAsync("replicas", "replica1"));
    }

    [Theory]
    [InlineData("60.4.0.2")]
    [InlineData("60.4.0.5")]
    [InlineData("60.4.0.9")]
    public async Task An_address_that_is_asked_for_rests_for_other_namespaces_only(string address)
    {
        // One in the ranges, one that is reserved, and one beyond the ranges; nothing has been filled into the pool of this subnet before.
        var network = $"asked{address[^1]}";
        await NetworkAsync(network, """[{"cidr":"60.4.0.0/24","ranges":[{"from":"60.4.0.2","to":"60.4.0.6"}],"reserved":["60.4.0.5"]}]""");
        (await api.PostAsync($"{Mine}/floating-ips", $$"""{"name":"{{network}}","externalNetwork":"{{network}}","address":"{{address}}"}""")).Expect(201);
        (await api.DeleteAsync($"{Mine}/floating-ips/{network}")).Expect(204);
        foreach (var refused in (Reply[])[
            await api.PostAsync($"{Theirs}/floating-ips", $$"""{"name":"f","externalNetwork":"rest/{{network}}","address":"{{address}}"}"""),
            await api.PostAsync($"{Theirs}/services", $$"""{"name":"{{network}}","externalNetwork":"rest/{{network}}","loadBalancerIPs":["{{address}}"],"ports":[{"port":80}]}"""),
            await api.PutAsync($"{Theirs}/services/{network}", $$"""{"externalNetwork":"rest/{{network}}","loadBalancerIPs":["{{address}}"],"ports":[{"port":80}]}""")])
        {
            Assert.Equal("address-in-use", refused.Expect(409).Code);
            Assert.Matches($@"{address.Replace(".", @"\.", StringComparison.Ordinal)} was released by another namespace and rests until \d{{4}}-.*Z, because its network has quarantineSeconds", (string?)refused.Json!["detail"]);
            Assert.DoesNotContain("rest/", (string?)refused.Json["detail"], StringComparison.Ordinal);
        }

        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
        // The same namespace may have it under any name.
        (await api.PostAsync($"{Mine}/services", $$"""{"name":"{{network}}","externalNetwork":"{{network}}","loadBalancerIPs":["{{address}}"],"ports":[{"port":80}]}""")).Expect(201);
        Assert.Equal("0", await QuarantinedAsync(network));
        (await api.DeleteAsync($"{Mine}/services/{network}")).Expect(204);
        (await api.PostAsync($"{Mine}/floating-ips", $$"""{"name":"{{network}}-2","externalNetwork":"{{network}}","address":"{{address}}"}""")).Expect(201);
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
        (await api.DeleteAsync($"{Mine}/floating-ips/{network}-2")).Expect(204);
        (await api.DeleteAsync($"{Networks}/{network}")).Expect(204);
    }

    [Fact]
    public async Task An_address_that_is_given_only_on_request_does_not_become_free_after_its_rest()
    {
        await NetworkAsync("onrequest", """[{"cidr":"60.5.0.0/29","reserved":["60.5.0.2"]}]""", quarantine: 1);
        (await api.PostAsync($"{Mine}/floating-ips", """{"name":"onrequest","externalNetwork":"onrequest","address":"60.5.0.2"}""")).Expect(201);
        (await api.PostAsync($"{Mine}/floating-ips", """{"name":"onrequest5","externalNetwork":"onrequest","address":"60.5.0.5"}""")).Expect(201);
        foreach (var name in (string[])["onrequest", "onrequest5"]) (await api.DeleteAsync($"{Mine}/floating-ips/{name}")).Expect(204);
        await Eventually.TrueAsync(async () => await CountAsync("SELECT count(*) FROM resting_address WHERE address <<= '60.5.0.0/29'") == 0, "the rests are over");
        for (var i = 3; i < 7; i++) Assert.Equal($"60.5.0.{i}", await FloatingIPAsync("onrequest", $"any{i}"));
        Assert.Equal("addresses-exhausted", (await api.PostAsync($"{Mine}/floating-ips", """{"name":"any7","externalNetwork":"onrequest"}""")).Expect(409).Code);
        (await api.PostAsync($"{Theirs}/floating-ips", """{"name":"onrequest","externalNetwork":"rest/onrequest","address":"60.5.0.2"}""")).Expect(201);
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Fact]
    public async Task After_its_rest_an_address_is_the_lowest_free_one_again()
    {
        await NetworkAsync("over", """[{"cidr":"60.6.0.0/28"}]""", quarantine: 2);
        Assert.Equal("60.6.0.2", await FloatingIPAsync("over", "over1"));
        (await api.DeleteAsync($"{Mine}/floating-ips/over1")).Expect(204);
        await Eventually.TrueAsync(
            async () => (string?)(await api.PostAsync($"{Theirs}/floating-ips?dryRun=true", """{"name":"over2","externalNetwork":"rest/over"}""")).Expect(201).Json!["address"] == "60.6.0.2",
            "60.6.0.2 is given to others");
        Assert.Equal("0", await QuarantinedAsync("over"));
        (await api.PostAsync($"{Theirs}/floating-ips", """{"name":"over2","externalNetwork":"rest/over","address":"60.6.0.2"}""")).Expect(201);
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Fact]
    public async Task Without_quarantine_an_address_is_free_at_once_and_a_change_holds_for_what_is_released_later()
    {
        await NetworkAsync("none", """[{"cidr":"60.7.0.0/28"}]""");
        Assert.Equal("60.7.0.2", await FloatingIPAsync("none", "none2"));
        Assert.Equal("60.7.0.3", await FloatingIPAsync("none", "none3"));
        (await api.DeleteAsync($"{Mine}/floating-ips/none2")).Expect(204);
        (await api.PatchAsync($"{Networks}/none", """{"quarantineSeconds":0}""")).Expect(200);
        (await api.DeleteAsync($"{Mine}/floating-ips/none3")).Expect(204);
        Assert.Equal("1", await QuarantinedAsync("none"));
        Assert.Equal("60.7.0.3", await FloatingIPAsync("none", "none3", Theirs));
        Assert.Equal("60.7.0.4", await FloatingIPAsync("none", "none4"));
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Fact]
    public async Task What_rests_is_counted_and_rests_on_when_ranges_or_routing_tables_change()
    {
        await NetworkAsync("counted", """[{"cidr":"60.8.0.0/28"}]""");
        for (var i = 2; i < 6; i++) await FloatingIPAsync("counted", $"counted{i}");
        foreach (var i in (int[])[2, 3]) (await api.DeleteAsync($"{Mine}/floating-ips/counted{i}")).Expect(204);
        Assert.Equal("""{"cidr":"60.8.0.0/28","capacity":"13","allocated":"2","available":"11","quarantined":"2"}""", await StatusAsync("counted"));
        (await api.PatchAsync($"{Networks}/counted", """{"subnets":[{"cidr":"60.8.0.0/28","reserved":["60.8.0.3","60.8.0.6"]}]}""")).Expect(200);
        Assert.Equal("""{"cidr":"60.8.0.0/28","capacity":"11","allocated":"2","available":"9","quarantined":"2"}""", await StatusAsync("counted"));
        Assert.Equal("60.8.0.7", await FloatingIPAsync("counted", "counted7"));
        (await api.PatchAsync($"{Networks}/counted", """{"fabricForwarding":false}""")).Expect(200);
        Assert.Equal("60.8.0.8", await FloatingIPAsync("counted", "counted8"));
        (await api.PatchAsync($"{Networks}/counted", """{"fabricForwarding":true,"subnets":[{"cidr":"60.8.0.0/28"}]}""")).Expect(200);
        Assert.Equal("60.8.0.6", await FloatingIPAsync("counted", "counted6"));
        Assert.Equal("60.8.0.9", await FloatingIPAsync("counted", "counted9"));
        Assert.Equal("60.8.0.3", await FloatingIPAsync("counted", "counted3"));
        Assert.Equal("1", await QuarantinedAsync("counted"));
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
        // A network with addresses that rest can be deleted.
        foreach (var i in (int[])[3, 4, 5, 6, 7, 8, 9]) (await api.DeleteAsync($"{Mine}/floating-ips/counted{i}")).Expect(204);
        (await api.DeleteAsync($"{Networks}/counted")).Expect(204);
        Assert.Equal(0, await CountAsync("SELECT count(*) FROM resting_address WHERE address <<= '60.8.0.0/28'"));
    }

    [Fact]
    public async Task A_dry_run_neither_begins_nor_ends_a_rest()
    {
        await NetworkAsync("dry", """[{"cidr":"60.9.0.0/28"}]""");
        Assert.Equal("60.9.0.2", await ServiceAsync("dry", "dry"));
        (await api.DeleteAsync($"{Mine}/services/dry?dryRun=true")).Expect(204);
        Assert.Equal("0", await QuarantinedAsync("dry"));
        (await api.DeleteAsync($"{Mine}/services/dry")).Expect(204);
        var shown = (await api.PostAsync($"{Mine}/services?dryRun=true", """{"name":"dry","externalNetwork":"rest/dry","ports":[{"port":80}]}""")).Expect(201);
        Assert.Equal("60.9.0.2", Externals(shown));
        Assert.Equal("1", await QuarantinedAsync("dry"));
        Assert.Equal("60.9.0.2", await ServiceAsync("dry", "dry"));
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Fact]
    public async Task A_service_that_comes_back_to_a_network_gets_the_address_that_it_had_there()
    {
        await NetworkAsync("from", """[{"cidr":"60.10.0.0/28"}]""");
        await NetworkAsync("to", """[{"cidr":"60.10.1.0/28"}]""");
        Assert.Equal("60.10.0.2", await ServiceAsync("from", "first"));
        Assert.Equal("60.10.0.3", await ServiceAsync("from", "comes"));
        var lifecycle = api.Services.GetRequiredService<ServiceLifecycle>();
        Assert.Equal("60.10.1.2", Externals((await api.PatchAsync($"{Mine}/services/comes", """{"externalNetwork":"rest/to"}""")).Expect(200)));
        var left = Assert.Single((await api.GetAsync("/v1/floating-ips?address=60.10.0.3")).Expect(200).Json!["items"]!.AsArray())!;
        Assert.Equal(1, await lifecycle.FinalizeAsync([], [(Guid)left["uid"]!], CancellationToken.None));
        (await api.DeleteAsync($"{Mine}/services/first")).Expect(204);
        Assert.Equal("60.10.0.3", Externals((await api.PatchAsync($"{Mine}/services/comes", """{"externalNetwork":"rest/from"}""")).Expect(200)));
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Fact]
    public async Task An_address_that_a_service_gives_up_again_for_want_of_the_other_family_rests_on()
    {
        await NetworkAsync("both", """[{"cidr":"60.11.0.0/28"},{"cidr":"2a06:61::/128"}]""");
        Assert.Equal("60.11.0.2 2a06:61::", await ServiceAsync("both", "both", families: true));
        (await api.DeleteAsync($"{Mine}/services/both")).Expect(204);
        (await api.PostAsync($"{Mine}/floating-ips", """{"name":"six","externalNetwork":"both","address":"2a06:61::"}""")).Expect(201);
        var waits = (await api.PostAsync($"{Mine}/services", """{"name":"both","externalNetwork":"rest/both","ipFamilyPolicy":"RequireDualStack","ports":[{"port":80}]}""")).Expect(201);
        Assert.Equal("AddressesExhausted", waits.ReasonOf("Allocated"));
        Assert.Equal("1", await QuarantinedAsync("both"));
        Assert.Equal("60.11.0.3", await FloatingIPAsync("both", "four"));
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Fact]
    public async Task Endpoints_and_addresses_that_rest_do_not_lose_each_other_s_address()
    {
        await NetworkAsync("ends", """[{"cidr":"60.12.0.0/29"}]""");
        for (var i = 2; i < 7; i++) Assert.Equal($"60.12.0.{i}", await FloatingIPAsync("ends", $"ends{i}"));
        foreach (var i in (int[])[2, 3]) (await api.DeleteAsync($"{Mine}/floating-ips/ends{i}")).Expect(204);
        (await api.PutAsync($"{Mine}/virtual-machine-interfaces/ends", """{"addresses":["60.12.0.2"],"virtualRouter":"elsewhere"}""")).Expect(201);
        // 60.12.0.2 rests longest, but an endpoint has it.
        Assert.Equal("60.12.0.3", await FloatingIPAsync("ends", "other", Theirs));
        Assert.Equal("addresses-exhausted", (await api.PostAsync($"{Mine}/floating-ips", """{"name":"ends2","externalNetwork":"ends"}""")).Expect(409).Code);
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
        (await api.DeleteAsync($"{Mine}/virtual-machine-interfaces/ends")).Expect(204);
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
        Assert.Equal("60.12.0.2", await FloatingIPAsync("ends", "ends2"));
    }

    [Fact]
    public async Task QuarantineSeconds_is_30_when_absent_and_every_fault_is_named()
    {
        await NamespacesAsync();
        var created = (await api.PostAsync(Networks, """{"name":"field","subnets":[{"cidr":"60.13.0.0/24"}]}""")).Expect(201);
        Assert.Equal(30, (int)created.Json!["quarantineSeconds"]!);
        var changed = (await api.PutAsync($"{Networks}/field", """{"subnets":[{"cidr":"60.13.0.0/24"}],"quarantineSeconds":86400}""")).Expect(200);
        Assert.Equal((86400, 2), ((int)changed.Json!["quarantineSeconds"]!, (int)changed.Json["generation"]!));
        Assert.Equal(changed.Text, (await api.PutAsync($"{Networks}/field", changed.Text)).Expect(200).Text);
        Assert.Equal(changed.Text, (await api.GetAsync($"{Networks}/field")).Text);
        Assert.Equal(0, (int)(await api.PatchAsync($"{Networks}/field", """{"quarantineSeconds":0}""")).Expect(200).Json!["quarantineSeconds"]!);
        Assert.Equal(30, (int)(await api.PatchAsync($"{Networks}/field", """{"quarantineSeconds":null}""")).Expect(200).Json!["quarantineSeconds"]!);
        foreach (var wrong in (int[])[-1, 86401])
        {
            var refused = (await api.PostAsync(Networks, $$"""{"name":"wrong","subnets":[],"quarantineSeconds":{{wrong}},"routeTargets":["x"]}""")).Expect(400);
            Assert.Equal(["quarantineSeconds", "routeTargets[0]", "subnets"], refused.ErrorPaths.Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public async Task In_a_busy_pool_of_short_rests_nobody_is_turned_away_and_nothing_is_lost()
    {
        // 13 addresses for 12 clients that hold one each: there is always one, if only one that rests.
        await NetworkAsync("busy", """[{"cidr":"60.14.0.0/28"}]""", quarantine: 1);
        var held = new HashSet<string>();
        await Task.WhenAll(Enumerable.Range(0, 12).Select(async client =>
        {
            for (var i = 0; i < 25; i++)
            {
                // Some come back under the same name, others under a new one; some are dry runs, whose addresses come back.
                var name = $"busy{client}-{(i % 3 == 0 ? i : 0)}";
                if (i % 5 == 4) (await api.PostAsync($"{Mine}/floating-ips?dryRun=true", $$"""{"name":"dry{{name}}","externalNetwork":"busy"}""")).Expect(201);
                var address = await FloatingIPAsync("busy", name, client % 2 == 0 ? Mine : Theirs);
                lock (held) Assert.True(held.Add(address), $"{address} is held twice");
                await Task.Delay(5, TestContext.Current.CancellationToken);
                lock (held) held.Remove(address);
                (await api.DeleteAsync($"{(client % 2 == 0 ? Mine : Theirs)}/floating-ips/{name}")).Expect(204);
            }
        }));
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
        await Eventually.TrueAsync(async () => await CountAsync("SELECT count(*) FROM resting_address WHERE address <<= '60.14.0.0/28'") == 0, "all rests are over");
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Fact]
    public async Task Under_load_no_released_address_is_given_to_another_holder_while_others_are_free()
    {
        await NetworkAsync("load", """[{"cidr":"60.15.0.0/24"}]""");
        var given = await Task.WhenAll(Enumerable.Range(0, 16).Select(async client =>
        {
            var mine = new List<string>();
            for (var i = 0; i < 12; i++)
            {
                var name = $"load{client}-{i}";
                mine.Add(client % 2 == 0 ? await ServiceAsync("load", name) : await FloatingIPAsync("load", name));
                (await api.DeleteAsync($"{Mine}/{(client % 2 == 0 ? "services" : "floating-ips")}/{name}")).Expect(204);
            }

            return mine;
        }));
        var addresses = given.SelectMany(g => g).ToList();
        Assert.Equal(addresses.Count, addresses.Distinct().Count());
        Assert.Equal($"{addresses.Count}", await QuarantinedAsync("load"));
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Fact]
    public async Task To_a_control_node_of_the_version_before_an_address_that_rests_is_held()
    {
        await NetworkAsync("before", """[{"cidr":"60.16.0.0/29"}]""");
        Assert.Equal("60.16.0.2", await FloatingIPAsync("before", "before"));
        (await api.DeleteAsync($"{Mine}/floating-ips/before")).Expect(204);
        // It asks by a function that takes only what is in the pool.
        await using var source = NpgsqlDataSource.Create(api.ConnectionString);
        await using var connection = await source.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand(
            "SELECT string_agg(host(t.taken), ' ' ORDER BY t.taken) FROM subnet s CROSS JOIN LATERAL cn2_take(ARRAY[s.id], ARRAY[9]) t WHERE s.cidr = '60.16.0.0/29'", connection, transaction);
        Assert.Equal("60.16.0.3 60.16.0.4 60.16.0.5 60.16.0.6", await command.ExecuteScalarAsync(TestContext.Current.CancellationToken));
        await transaction.RollbackAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Who_changes_the_ranges_waits_for_who_takes_an_address_that_rests()
    {
        await NetworkAsync("ranges", """[{"cidr":"60.17.0.0/29"}]""");
        Assert.Equal("60.17.0.2", await FloatingIPAsync("ranges", "ranges"));
        (await api.DeleteAsync($"{Mine}/floating-ips/ranges")).Expect(204);
        await using var source = NpgsqlDataSource.Create(api.ConnectionString);
        await using var taker = await source.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var transaction = await taker.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using var take = new NpgsqlCommand(
            "SELECT host(t.taken) FROM subnet s CROSS JOIN LATERAL cn2_take(ARRAY[s.id], ARRAY[1], ARRAY[false], ARRAY[1], ARRAY['rest'], ARRAY['ranges']) t WHERE s.cidr = '60.17.0.0/29'", taker, transaction);
        Assert.Equal("60.17.0.2", await take.ExecuteScalarAsync(TestContext.Current.CancellationToken));
        await using var change = source.CreateCommand(
            "SET lock_timeout = '300ms'; SELECT cn2_set_subnet_ranges(id, ARRAY['60.17.0.3'::inet], ARRAY['60.17.0.6'::inet]) FROM subnet WHERE cidr = '60.17.0.0/29'");
        Assert.Equal(PostgresErrorCodes.LockNotAvailable, (await Assert.ThrowsAsync<PostgresException>(() => change.ExecuteNonQueryAsync(TestContext.Current.CancellationToken))).SqlState);
        await transaction.RollbackAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Of_one_namespace_ten_thousand_addresses_rest_in_a_subnet_and_no_more()
    {
        await NetworkAsync("many", """[{"cidr":"2a06:62::/64"}]""");
        Assert.Equal("2a06:62::2", await FloatingIPAsync("many", "many2"));
        Assert.Equal("2a06:62::3", await FloatingIPAsync("many", "many3", Theirs));
        await CountAsync(
            """
            WITH many AS (INSERT INTO resting_address (subnet_id, address, rests_until, last_namespace, last_name)
                SELECT s.id, '2a06:62::1:0'::inet + i, now() + interval '1 hour', 'rest', 'm' || i FROM subnet s, generate_series(1, 10000) i WHERE s.cidr = '2a06:62::/64' RETURNING 1)
            SELECT count(*) FROM many
            """);
        (await api.DeleteAsync($"{Mine}/floating-ips/many2")).Expect(204);
        (await api.DeleteAsync($"{Theirs}/floating-ips/many3")).Expect(204);
        Assert.Equal("10001", await QuarantinedAsync("many"));
        Assert.Equal("2a06:62::2", await FloatingIPAsync("many", "many4", Theirs));
    }

    /// <summary>A rest is longer than any of these tests, unless the test is about its end.</summary>
    private async Task NetworkAsync(string name, string subnets, int quarantine = 3600)
    {
        await NamespacesAsync();
        (await api.PostAsync(Networks, $$"""{"name":"{{name}}","subnets":{{subnets}},"quarantineSeconds":{{quarantine}},"fabricForwarding":true}""")).Expect(201);
    }

    private async Task NamespacesAsync()
    {
        foreach (var ns in (string[])[Mine, Theirs]) await api.PutAsync(ns, "{}");
    }

    private async Task<string> FloatingIPAsync(string network, string name, string ns = Mine) =>
        (string)(await api.PostAsync($"{ns}/floating-ips", $$"""{"name":"{{name}}","externalNetwork":"rest/{{network}}"}""")).Expect(201).Json!["address"]!;

    private async Task<string> ServiceAsync(string network, string name, bool families = false) => Externals((await api.PostAsync(
        $"{Mine}/services", $$"""{"name":"{{name}}","externalNetwork":"rest/{{network}}","ipFamilyPolicy":"{{(families ? "RequireDualStack" : "SingleStack")}}","ports":[{"port":80}]}""")).Expect(201));

    private async Task<string> StatusAsync(string network) => (await api.GetAsync($"{Networks}/{network}")).Expect(200).Json!["status"]!["subnets"]![0]!.ToJsonString();

    private async Task<string?> QuarantinedAsync(string network) => (string?)(await api.GetAsync($"{Networks}/{network}")).Expect(200).Json!["status"]!["subnets"]![0]!["quarantined"];

    private async Task<long> CountAsync(string sql)
    {
        await using var source = NpgsqlDataSource.Create(api.ConnectionString);
        await using var command = source.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }

    private static string Externals(Reply reply) => string.Join(' ', reply.Json!["status"]!["externalIPs"]!.AsArray().Select(a => (string?)a));
}
