using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Kubernetes.Kinds;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Schemas;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.Kubernetes.Bindings;

/// <summary>
/// <c>v1</c> events: those of <c>/v1/events</c>, the oldest first. They have no labels. What they are about is named as the
/// object that users see: a VirtualRouter is a Node, an endpoint of a Pod the Pod, an ExternalNetwork a VirtualNetwork.
/// </summary>
internal sealed class EventBinding : ReadOnlyBinding, ILogBinding
{
    private const string Columns = "id, kind, namespace, name, at, type, reason, message";

    /// <summary>How the kinds of <c>/v1</c> are called here, and the table that has their uids.</summary>
    private static readonly Dictionary<ResourceKind, (string ApiVersion, string Kind, string? Table)> Kinds = new()
    {
        [ResourceKind.Namespace] = ("v1", "Namespace", "namespace"),
        [ResourceKind.Service] = ("v1", "Service", "service"),
        [ResourceKind.VirtualRouter] = ("v1", "Node", "virtual_router"),
        [ResourceKind.VirtualMachineInterface] = (Cn2, "VirtualMachineInterface", "virtual_machine_interface"),
        [ResourceKind.ExternalNetwork] = (Cn2, "VirtualNetwork", "external_network"),
        [ResourceKind.FloatingIP] = (Cn2, "FloatingIP", "floating_ip"),
        [ResourceKind.BgpRouter] = (Cn2, "BGPRouter", "bgp_router"),
        [ResourceKind.ServiceHealthCheck] = (Cn2, "ServiceHealthCheck", "service_health_check"),
        [ResourceKind.ExternalNetworkSelector] = (Cn2, "ExternalNetworkSelector", "external_network_selector"),
        [ResourceKind.ControlNode] = (Cn2, "ControlNode", null),
    };

    private const string Cn2 = $"{Cn2Schemas.Group}/{Cn2Schemas.Version}";

    public override ResourceDefinition Definition => EventSchema.Definition;

    public override ResourceKind? Kind => null;

    public override async Task<BoundObject?> FindAsync(NpgsqlConnection connection, string? ns, string name, CancellationToken ct)
    {
        if (EventMapping.IdOf(name) is not { } id) return null;
        var found = await ToObjectsAsync(connection, await ReadAsync(connection, $"SELECT {Columns} FROM event WHERE id = $1", ct, Sql.Value(id)), ct);
        return found.SingleOrDefault(e => e.Namespace == ns && e.Name == name);
    }

    public override async Task<ObjectPage> ListAsync(CN2DbContext db, ObjectRange range, CancellationToken ct)
    {
        if (range.Selector is not null && !range.Selector.Matches(new Dictionary<string, string>())) return new ObjectPage([], null);
        var connection = await db.OpenSqlAsync(ct);
        var rows = await ReadAsync(
            connection,
            $"""
             SELECT {Columns} FROM event WHERE id > $1 AND ($5::text[] IS NULL OR namespace = ANY ($5)) AND ($2::text IS NULL OR namespace = $2 OR ($2 = '{EventMapping.DefaultNamespace}' AND namespace IS NULL) OR ($2 = '{BgpRouterMapping.Namespace}' AND kind = $3))
             ORDER BY id LIMIT $4
             """,
            ct, Sql.Value((range.After is var (_, last) ? EventMapping.IdOf(last) : null) ?? 0L), new NpgsqlParameter { Value = (object?)range.Namespace ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
            Sql.Value((short)ResourceKind.BgpRouter), Sql.Value(range.Most + 1),
            new NpgsqlParameter { Value = (object?)range.Scope.Visible?.ToArray() ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        var items = await ToObjectsAsync(connection, [.. rows.Take(range.Most)], ct);
        var next = rows.Count > range.Most ? (items[^1].Namespace!, items[^1].Name) : ((string, string)?)null;
        return new ObjectPage([.. items.Where(i => range.Namespace is null || i.Namespace == range.Namespace)], next);
    }

    /// <summary>None: the feed has no changes of events.</summary>
    public override Task<IReadOnlyList<BoundObject>> LoadAsync(CN2DbContext db, IReadOnlyCollection<Guid> uids, CancellationToken ct) => Task.FromResult<IReadOnlyList<BoundObject>>([]);

    public async Task<List<(ulong Transaction, BoundObject Object)>> CameAsync(NpgsqlConnection connection, FeedSnapshot after, FeedSnapshot upTo, CancellationToken ct)
    {
        var rows = await Sql.ReadAllAsync(
            connection, $"SELECT {Columns}, xid FROM event WHERE xid >= $1 ORDER BY xid, id", row => (Event: ReadRow(row), Transaction: row.GetFieldValue<ulong>(8)), ct,
            new NpgsqlParameter { Value = after.Xmin, NpgsqlDbType = NpgsqlDbType.Xid8 });
        var came = rows.FindAll(r => !after.Sees(r.Transaction) && upTo.Sees(r.Transaction));
        return [.. came.Select(c => c.Transaction).Zip(await ToObjectsAsync(connection, came.ConvertAll(c => c.Event), ct))];
    }

    private static Task<List<EventRow>> ReadAsync(NpgsqlConnection connection, string sql, CancellationToken ct, params NpgsqlParameter[] parameters) =>
        Sql.ReadAllAsync(connection, sql, ReadRow, ct, parameters);

    /// <summary>The <see cref="Columns"/> of a row.</summary>
    private static EventRow ReadRow(NpgsqlDataReader row) => new()
    {
        Id = row.GetInt64(0),
        Kind = (ResourceKind)row.GetInt16(1),
        Namespace = row.GetStringOrNull(2),
        Name = row.GetString(3),
        At = row.GetFieldValue<DateTimeOffset>(4),
        Type = row.GetString(5),
        Reason = row.GetString(6),
        Message = row.GetString(7),
    };

    private static async Task<List<BoundObject>> ToObjectsAsync(NpgsqlConnection connection, List<EventRow> rows, CancellationToken ct)
    {
        var known = new Dictionary<(ResourceKind, string?, string), (Guid Uid, bool IsPod)>();
        foreach (var group in rows.GroupBy(r => r.Kind))
        {
            if (Kinds[group.Key].Table is not { } table) continue;
            var hasNamespace = group.Key.IsNamespaced();
            foreach (var (ns, name, uid, isPod) in await Sql.ReadAllAsync(
                connection,
                $"""
                 SELECT {(hasNamespace ? "t.namespace" : "NULL::text")}, t.name, t.uid, EXISTS (SELECT FROM kubernetes_object o WHERE o.resource = 'pods' AND o.uid = t.uid)
                 FROM {table} t WHERE t.name = ANY ($1)
                 """,
                row => (row.GetStringOrNull(0), row.GetString(1), row.GetGuid(2), row.GetBoolean(3)), ct, Sql.Value(group.Select(r => r.Name).Distinct().ToArray())))
            {
                known[(group.Key, ns, name)] = (uid, isPod);
            }
        }

        return [.. rows.Select(row =>
        {
            var (apiVersion, kind, _) = Kinds[row.Kind];
            var (uid, isPod) = known.TryGetValue((row.Kind, row.Namespace, row.Name), out var found) ? (found.Uid, found.IsPod) : ((Guid?)null, false);
            if (isPod) (apiVersion, kind) = ("v1", "Pod");
            // Floating IPs have no namespace here, and BGPRouters have one.
            var ns = row.Kind switch { ResourceKind.FloatingIP => null, ResourceKind.BgpRouter => BgpRouterMapping.Namespace, _ => row.Namespace };
            var shown = EventMapping.ToObject(row, new InvolvedObject(apiVersion, kind, ns, row.Name, uid));
            // An event stays in the namespace of its resource, so that whoever may read that may read it.
            if (row.Namespace is not null) shown["metadata"]!["namespace"] = row.Namespace;
            return Bound(shown, null);
        })];
    }
}
