using System.Globalization;
using System.Text.Json.Nodes;
using CN2.Model.Tests.Clients;
using CN2.Model.Tests.Lab;
using Npgsql;

namespace CN2.Model.Tests;

/// <summary>
/// Items and requests that cannot be taken: hostile requests, stored rows that another version or a hand has left, agents that claim what
/// belongs to others, a transaction that somebody leaves open. All of it lives in the namespace <see cref="Namespace"/>, and it stays while
/// everything else comes to rest: nobody else may notice.
/// </summary>
internal sealed class BadItems(ModelLab lab, ApiClient api, Random random, Action<string> tell) : IAsyncDisposable
{
    public const string Namespace = "bad";

    private const short ServiceKind = 4;
    private const short InterfaceKind = 6;
    private const int ServiceCount = 3;

    private readonly List<string> _faults = [];
    private NpgsqlConnection? _leftOpen;

    /// <summary>What was answered wrongly. Each is a fault of the product.</summary>
    public IReadOnlyList<string> Faults => _faults;

    /// <summary>Draws bad items until the given time.</summary>
    public async Task RunAsync(DateTimeOffset until)
    {
        await MakeAsync();
        await StoreBadEndpointAsync();
        while (DateTimeOffset.UtcNow < until)
        {
            await random.Of<Func<Task>>(
                (5, SendBadRequestAsync), (2, StoreBadEndpointAsync), (2, StoreUnknownMemberAsync), (2, StoreUnreadableAsync), (1, IntrudeAsync), (1, LeaveTransactionOpenAsync))();
            await Task.Delay(random.Next(400));
        }
    }

    /// <summary>Removes the bad items through the API, as their owner would: what cannot be read can be deleted all the same.</summary>
    public async Task RemoveAsync()
    {
        await CloseTransactionAsync();
        for (var i = 0; i < ServiceCount; i++) await MustGoAsync($"/v1/namespaces/{Namespace}/services/bad-{i}");
        await MustGoAsync($"/v1/namespaces/{Namespace}/virtual-machine-interfaces/bad");
    }

    public async ValueTask DisposeAsync() => await CloseTransactionAsync();

    private async Task MakeAsync()
    {
        await api.PutAsync($"/v1/namespaces/{Namespace}", new JsonObject { ["name"] = Namespace });
        await api.PutAsync($"/v1/namespaces/{Namespace}/virtual-machine-interfaces/bad", new JsonObject
        {
            ["name"] = "bad",
            ["labels"] = new JsonObject { ["app"] = "bad" },
            ["addresses"] = new JsonArray("10.7.200.1"),
            ["virtualRouter"] = ModelLab.VirtualRouters[0],
        });
        for (var i = 0; i < ServiceCount; i++)
        {
            await api.PutAsync($"/v1/namespaces/{Namespace}/services/bad-{i}", new JsonObject
            {
                ["name"] = $"bad-{i}",
                ["type"] = "ClusterIP",
                ["selector"] = new JsonObject { ["app"] = "bad" },
                ["ports"] = new JsonArray(new JsonObject { ["port"] = 80 }),
            });
        }
    }

    private async Task SendBadRequestAsync()
    {
        var (method, path, body) = random.Of<(HttpMethod, string, JsonNode?)>([
            (HttpMethod.Get, "/v1/services?labelSelector=" + string.Join(',', Enumerable.Repeat("!a", 2600)), null),
            (HttpMethod.Post, "/v1/namespaces", new JsonObject { ["name"] = "many", ["labels"] = new JsonObject(Enumerable.Range(0, 5000).Select(i => KeyValuePair.Create("!" + i, (JsonNode?)""))) }),
            (HttpMethod.Put, $"/v1/namespaces/{Namespace}/virtual-machine-interfaces/loopback", new JsonObject { ["name"] = "loopback", ["addresses"] = new JsonArray("127.0.0.1"), ["virtualRouter"] = "vr1" }),
            (HttpMethod.Put, $"/v1/namespaces/{Namespace}/external-networks/words", new JsonObject { ["name"] = "words", ["subnets"] = new JsonArray(new JsonObject { ["cidr"] = "100.99.0.0/24" }), ["advertisement"] = new JsonObject { ["communities"] = new JsonArray("NO_SUCH_WORD") } }),
            (HttpMethod.Put, "/v1/virtual-routers/vr1", new JsonObject { ["name"] = "vr1", ["address"] = "fe80::1" }),
            (HttpMethod.Get, "/v1/floating-ips?address=", null),
        ]);
        var began = DateTimeOffset.UtcNow;
        var reply = await api.SendBadAsync(method, path, body);
        if (reply.Unknown) return;
        if (reply.Status is < 400 or >= 500 || reply.Code is null) _faults.Add($"{method} {Short(path)} answered {Short(reply.Text)}");
        if (DateTimeOffset.UtcNow - began > TimeSpan.FromSeconds(10)) _faults.Add($"{method} {Short(path)} took {DateTimeOffset.UtcNow - began}");
    }

    private Task StoreBadEndpointAsync() =>
        StoreAsync("an endpoint whose address breaks the rule", "virtual_machine_interface", $"addresses = '{random.Of(["{127.0.0.1}", "{fe80::1}", "{0.0.0.0}"])}'", InterfaceKind, "bad");

    private Task StoreUnknownMemberAsync() =>
        StoreAsync("a Service with a member of a later version", "service", """spec = spec || '{"tomorrow": {"x": 1}}'""", ServiceKind, SomeService());

    private Task StoreUnreadableAsync() =>
        StoreAsync("a Service that cannot be read", "service", random.Of(["""spec = '{"ports": 7}'""", "spec = '[]'", """spec = '{"ports": [null]}'"""]), ServiceKind, SomeService());

    private string SomeService() => $"bad-{random.Next(ServiceCount).ToString(CultureInfo.InvariantCulture)}";

    /// <summary>A row that no request makes: another program, or a hand, wrote it.</summary>
    private async Task StoreAsync(string what, string table, string assignment, short kind, string name)
    {
        tell($"stored by hand: {what} ({assignment})");
        await using var connection = new NpgsqlConnection(lab.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            $"""
             WITH stored AS (UPDATE {table} SET {assignment} WHERE namespace = $1 AND name = $2 RETURNING uid, name, namespace)
             INSERT INTO change (kind, namespace, name, uid, verb, status_only) SELECT $3, namespace, name, uid, 2, false FROM stored
             """, connection)
        { Parameters = { new() { Value = Namespace }, new() { Value = name }, new() { Value = kind } } };
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>An agent on another host that claims a name or an address that is in use.</summary>
    private async Task IntrudeAsync()
    {
        var victim = random.Of(ModelLab.VirtualRouters);
        var byName = random.Chance(0.5);
        tell($"an agent claims the {(byName ? "name" : "address")} of {victim}");
        using var intruder = lab.StartAgent("intruder", byName ? victim : "vr9", lab.RouterHost, byName ? "172.31.7.99" : ModelLab.AddressOf(victim, 4), "fd07::99");
        await Task.Delay(random.Next(2000, 4000));
    }

    /// <summary>An open transaction holds back vacuum everywhere on the server. It must hold back nothing else.</summary>
    private async Task LeaveTransactionOpenAsync()
    {
        if (_leftOpen is not null) return;
        tell("somebody leaves a transaction open in another database");
        _leftOpen = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(lab.ConnectionString) { Database = "template1", Pooling = false }.ConnectionString);
        await _leftOpen.OpenAsync();
        await using var command = new NpgsqlCommand("BEGIN; SELECT pg_current_xact_id()", _leftOpen);
        await command.ExecuteNonQueryAsync();
    }

    private async Task CloseTransactionAsync()
    {
        if (_leftOpen is null) return;
        await _leftOpen.DisposeAsync();
        _leftOpen = null;
    }

    private async Task MustGoAsync(string path)
    {
        var reply = await api.DeleteAsync(path);
        if (!reply.Unknown && !reply.Accepted && reply.Status != 404) _faults.Add($"DELETE {path} answered {Short(reply.Text)}");
    }

    private static string Short(string text) => text.Length > 300 ? text[..300] + "…" : text;
}
