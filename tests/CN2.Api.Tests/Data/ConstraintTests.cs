using CN2.Api.Tests.Fixtures;
using Npgsql;

namespace CN2.Api.Tests.Data;

/// <summary>
/// The database is the referee (docs/adr/0002-the-database-is-the-referee.md): each statement here is what a fault of the server, or a hand in
/// the database, could do. The named constraint refuses it.
/// </summary>
public sealed class ConstraintTests(ApiServerWithoutReconciler api) : IClassFixture<ApiServerWithoutReconciler>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("floating_ip_address", "UPDATE floating_ip SET address = '50.0.0.2' WHERE name = '$two'")]
    [InlineData("floating_ip_inside_subnet", "UPDATE floating_ip SET address = '50.0.1.5' WHERE name = '$two'")]
    [InlineData("floating_ip_host_address", "UPDATE floating_ip SET address = '50.0.0.64/26' WHERE name = '$two'")]
    [InlineData("floating_ip_subnet", "UPDATE floating_ip SET subnet_cidr = '50.0.0.0/8' WHERE name = '$two'")]
    [InlineData("subnet_overlap", "UPDATE subnet_scope SET cidr = '50.0.0.0/16' WHERE cidr = '50.1.0.0/24'")]
    [InlineData("pk_node_port", "INSERT INTO node_port (port, protocol, service_uid) SELECT port, protocol, service_uid FROM node_port LIMIT 1")]
    [InlineData("floating_ip_created_at_range", "UPDATE floating_ip SET created_at = 'infinity' WHERE name = '$two'")]
    [InlineData("floating_ip_updated_at_range", "UPDATE floating_ip SET updated_at = '12026-01-01' WHERE name = '$two'")]
    [InlineData("service_deleting_at_range", "UPDATE service SET deleting_at = '0044-03-15 BC'")]
    [InlineData("virtual_machine_interface_addresses_known",
        "INSERT INTO virtual_machine_interface (uid, namespace, name, labels, annotations, generation, created_at, updated_at, virtual_router, addresses, ready, health) VALUES (gen_random_uuid(), 'default', 'e', '{}', '{}', 1, now(), now(), 'r', ARRAY[NULL]::inet[], true, 'Unknown')")]
    [InlineData("fk_advertisement_floating_ip_floating_ip_uid",
        "INSERT INTO advertisement (control_node, floating_ip_uid, routes) SELECT 'other', uid, '[]' FROM floating_ip WHERE name = '$two'; DELETE FROM floating_ip WHERE name = '$two'")]
    public async Task The_database_refuses_rows_that_break_an_invariant(string constraint, string sql)
    {
        var ns = await GivenAsync();
        await using var connection = await OpenAsync();
        await using var transaction = await connection.BeginTransactionAsync(Token);
        await using var command = new NpgsqlCommand(sql.Replace("$two", $"{ns}-two", StringComparison.Ordinal), connection);
        var refusal = await Assert.ThrowsAsync<PostgresException>(() => command.ExecuteNonQueryAsync(Token));
        Assert.Equal(constraint, refusal.ConstraintName);
    }

    [Fact]
    public async Task The_transaction_that_deletes_the_holder_returns_the_address_to_the_pool()
    {
        var ns = await GivenAsync();
        await using var connection = await OpenAsync();
        await using var transaction = await connection.BeginTransactionAsync(Token);
        Assert.Equal(0L, await CountFreeAsync(connection));
        await using var delete = new NpgsqlCommand($"DELETE FROM floating_ip WHERE name = '{ns}-two'", connection);
        Assert.Equal(1, await delete.ExecuteNonQueryAsync(Token));
        Assert.Equal(1L, await CountFreeAsync(connection));
    }

    private static async Task<long> CountFreeAsync(NpgsqlConnection connection)
    {
        await using var command = new NpgsqlCommand("SELECT count(*) FROM free_address WHERE address = '50.0.0.3'", connection);
        return (long)(await command.ExecuteScalarAsync(Token))!;
    }

    /// <summary>Two underlay networks, the FloatingIPs 50.0.0.2 and 50.0.0.3 in one of them, and a Service with a node port; made once.</summary>
    private async Task<string> GivenAsync()
    {
        const string ns = "constraints";
        if ((await api.GetAsync($"/v1/namespaces/{ns}/floating-ips/{ns}-two")).Status == 200) return ns;
        (await api.PostAsync("/v1/namespaces", new { name = ns })).Expect(201);
        (await api.PostAsync($"/v1/namespaces/{ns}/external-networks", """{"name":"net","subnets":[{"cidr":"50.0.0.0/24"}],"fabricForwarding":true,"quarantineSeconds":0}""")).Expect(201);
        (await api.PostAsync($"/v1/namespaces/{ns}/external-networks", """{"name":"other","subnets":[{"cidr":"50.1.0.0/24"}],"fabricForwarding":true}""")).Expect(201);
        foreach (var name in new[] { "one", "two" })
            (await api.PostAsync($"/v1/namespaces/{ns}/floating-ips", new { name = $"{ns}-{name}", externalNetwork = "net" })).Expect(201);
        (await api.PostAsync($"/v1/namespaces/{ns}/services", """{"name":"web","type":"NodePort","ports":[{"port":80}]}""")).Expect(201);
        return ns;
    }

    private async Task<NpgsqlConnection> OpenAsync()
    {
        var connection = new NpgsqlConnection(api.ConnectionString);
        await connection.OpenAsync(Token);
        return connection;
    }
}
