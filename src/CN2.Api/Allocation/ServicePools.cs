using System.Net;
using CN2.Api.Data;
using CN2.Api.Options;
using CN2.Network.Addressing;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.Allocation;

/// <summary>
/// At start: makes the pools of cluster IPs and node ports those of the settings. A changed service network becomes a new pool. The old
/// pool gives no new addresses, and stays until a start at which no Service holds one of its addresses. Repeatable; replicas take turns.
/// </summary>
public sealed class ServicePools(NpgsqlDataSource source, ServiceNetworkOptions serviceNetwork, NodePortOptions nodePorts)
{
    /// <exception cref="SettingsException">The new service network overlaps an old one that is in use, or a FloatingIP of an External Network lies in it; the message says what to do.</exception>
    public async Task EnsureAsync(CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await Catalog.LockAsync(connection, ct);
        IPNetwork[] wanted = [serviceNetwork.V4, serviceNetwork.V6];
        // Endpoints and external addresses may have addresses of it from now on.
        await ExecuteAsync("DELETE FROM subnet s WHERE external_network_uid IS NULL AND cidr <> ALL($1) AND NOT EXISTS (SELECT FROM floating_ip f WHERE f.subnet_id = s.id)",
            new NpgsqlParameter { Value = wanted, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Cidr });
        foreach (var network in wanted)
        {
            if (await ScalarAsync("SELECT id FROM subnet WHERE external_network_uid IS NULL AND cidr = $1", Cidr(network)) is not null) continue;
            if (await ScalarAsync("SELECT cidr::text FROM subnet WHERE external_network_uid IS NULL AND cidr && $1", Cidr(network)) is string old)
            {
                throw new SettingsException([$"{SettingOf(network)} is '{network}': expected a network beside {old}, of which Services still hold cluster IPs, or {old} itself."]);
            }

            var id = (int)(await ScalarAsync("INSERT INTO subnet (cidr, position) VALUES ($1, 0) RETURNING id", Cidr(network)))!;
            try
            {
                await ExecuteAsync("INSERT INTO subnet_scope (subnet_id, scope, cidr) VALUES ($1, 'service', $2)", new() { Value = id }, Cidr(network));
            }
            catch (PostgresException e) when (e.ConstraintName == BlockedAddresses.ClusterIPConstraint)
            {
                throw new SettingsException([$"{SettingOf(network)} is '{network}': expected a network without addresses of External Networks that are in use, and {e.MessageText}."]);
            }

            // All addresses except the network address and, in IPv4, the broadcast address.
            var last = network.FamilyOf() == IPFamily.IPv4 ? network.Last() - 1 : network.Last();
            await ExecuteAsync("SELECT cn2_set_subnet_ranges($1, $2, $3)", new() { Value = id },
                Inet(AddressArithmetic.ToAddress(network.First() + 1, network.FamilyOf())), Inet(AddressArithmetic.ToAddress(last, network.FamilyOf())));
        }

        await ExecuteAsync("SELECT cn2_set_node_port_range($1, $2)", new() { Value = nodePorts.From }, new() { Value = nodePorts.To });
        await transaction.CommitAsync(ct);

        async Task ExecuteAsync(string sql, params NpgsqlParameter[] parameters) => await ScalarAsync(sql, parameters);

        async Task<object?> ScalarAsync(string sql, params NpgsqlParameter[] parameters)
        {
            await using var command = new NpgsqlCommand(sql, connection);
            command.Parameters.AddRange(parameters);
            return await command.ScalarAsync(ct);
        }
    }

    private static string SettingOf(IPNetwork network) => network.FamilyOf() == IPFamily.IPv4 ? "ServiceNetwork__V4" : "ServiceNetwork__V6";

    private static NpgsqlParameter Cidr(IPNetwork network) => new() { Value = network, NpgsqlDbType = NpgsqlDbType.Cidr };

    private static NpgsqlParameter Inet(IPAddress address) => new() { Value = new[] { address }, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Inet };
}
