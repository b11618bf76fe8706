using System.Net;
using CN2.Api.Data;
using CN2.Api.Data.Documents;
using CN2.Api.Options;
using CN2.Network.Resources;
using CN2.Network.Selection;
using Npgsql;

namespace CN2.Api.Allocation;

/// <summary>
/// The few rows that decide where an address comes from, kept in memory. Triggers increment <c>catalog.version</c> with every change of
/// these rows. A transaction that allocates compares the version in its first statement and starts again with a fresh copy when it
/// differs, so a replica never decides on rows that another replica has changed.
/// </summary>
public sealed class Catalog(ServiceNetworkOptions serviceNetwork)
{
    private CatalogSnapshot? _current;

    /// <summary>The copy that was last read. A write that is decided on it must compare its version with the database.</summary>
    public async ValueTask<CatalogSnapshot> CurrentAsync(NpgsqlConnection connection, CancellationToken ct) =>
        Volatile.Read(ref _current) ?? await ReloadAsync(connection, ct);

    /// <summary>The current catalog, compared with the database: for reads and for writes that do not allocate.</summary>
    public async Task<CatalogSnapshot> VerifiedAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var current = await CurrentAsync(connection, ct);
        await using var command = new NpgsqlCommand("SELECT version FROM catalog", connection);
        return (long)(await command.ScalarAsync(ct))! == current.Version ? current : await ReloadAsync(connection, ct);
    }

    /// <summary>Reads the rows again; one round trip unless they change meanwhile.</summary>
    public async Task<CatalogSnapshot> ReloadAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        while (true)
        {
            if (await TryReadAsync(connection, ct) is not { } snapshot) continue;
            Volatile.Write(ref _current, snapshot);
            return snapshot;
        }
    }

    /// <summary>Locks the catalog until the transaction ends. Writers of its rows call this before they lock a row, so that they never deadlock.</summary>
    public static async Task LockAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("SELECT version FROM catalog FOR UPDATE", connection);
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>
    /// Null: the rows changed between two of the SELECTs. Each SELECT sees what is committed when it begins. The version is read first and
    /// last; if it is the same, all SELECTs saw the same rows. A REPEATABLE READ transaction would cost a round trip more, and could not
    /// be used inside a write's transaction.
    /// </summary>
    private async Task<CatalogSnapshot?> TryReadAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new("SELECT version FROM catalog"),
                new("SELECT name, labels FROM namespace"),
                new("SELECT id, external_network_uid, cidr, gateway FROM subnet ORDER BY position"),
                new("SELECT uid, namespace, name, labels, priority, auto_assign, fabric_forwarding, (spec -> 'allowedNamespaces')::text FROM external_network"),
                new("SELECT name, spec FROM external_network_selector"),
                new("SELECT namespace FROM namespace_grant"),
                new("SELECT version FROM catalog"),
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(ct);
        var version = await ReadVersionAsync(reader, ct);
        var namespaces = (await ReadAsync(reader, row => (Name: row.GetString(0), Labels: Labels(row, 1)), ct)).ToDictionary(n => n.Name, n => n.Labels, StringComparer.Ordinal);
        var subnets = await ReadAsync(reader, row => (Network: row.IsDBNull(1) ? (Guid?)null : row.GetGuid(1), Subnet: ReadSubnet(row)), ct);
        var ofNetwork = subnets.Where(s => s.Network is not null).ToLookup(s => s.Network!.Value, s => s.Subnet);
        var networks = await ReadAsync(reader, row => ReadNetwork(row, [.. ofNetwork[row.GetGuid(0)]]), ct);
        var selectors = await ReadAsync(reader, row => Selector(row.GetString(0), row.GetString(1)), ct);
        var granted = await ReadAsync(reader, row => row.GetString(0), ct);
        if (await ReadVersionAsync(reader, ct) != version) return null;
        // New addresses come only from the pools of the settings. A pool of earlier settings stays while Services hold addresses of it.
        var servicePools = subnets.FindAll(s => s.Network is null && (s.Subnet.Cidr.Equals(serviceNetwork.V4) || s.Subnet.Cidr.Equals(serviceNetwork.V6)));
        return new CatalogSnapshot(version, namespaces, networks, selectors, servicePools.ConvertAll(s => s.Subnet), granted);
    }

    private static async Task<long> ReadVersionAsync(NpgsqlDataReader reader, CancellationToken ct) => (await ReadAsync(reader, row => row.GetInt64(0), ct))[0];

    /// <summary>Reads one result and moves to the next.</summary>
    private static async Task<List<T>> ReadAsync<T>(NpgsqlDataReader reader, Func<NpgsqlDataReader, T> read, CancellationToken ct)
    {
        var items = new List<T>();
        while (await reader.ReadAsync(ct)) items.Add(read(reader));
        await reader.NextResultAsync(ct);
        return items;
    }

    private static CatalogSubnet ReadSubnet(NpgsqlDataReader row) =>
        new(row.GetInt32(0), row.GetFieldValue<IPNetwork>(2), row.IsDBNull(3) ? null : row.GetFieldValue<IPAddress>(3));

    private static CatalogNetwork ReadNetwork(NpgsqlDataReader row, IReadOnlyList<CatalogSubnet> subnets) => new()
    {
        Uid = row.GetGuid(0),
        Id = new NamespacedName(row.GetString(1), row.GetString(2)),
        Labels = Labels(row, 3),
        Priority = row.GetInt32(4),
        AutoAssign = row.GetBoolean(5),
        FabricForwarding = row.GetBoolean(6),
        Access = AllowedNamespaces.Read(row.GetStringOrNull(7)),
        Subnets = subnets,
    };

    private static NetworkSelector Selector(string name, string spec)
    {
        // One that cannot be read chooses nothing; its own condition says so.
        if (StoredDocument.ReadOr<ExternalNetworkSelectorSpec>(spec, null) is not var (networks, namespaces) || networks is null) return new NetworkSelector(name, null, null);
        return new NetworkSelector(name, networks.ToSelector(), namespaces?.ToSelector());
    }

    private static LabelSet Labels(NpgsqlDataReader row, int column) => LabelSet.Of(row.GetLabels(column));
}
