using System.Text.Json.Nodes;
using CN2.Api.Data;
using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.Json;
using CN2.Api.Kubernetes.Kinds;
using CN2.Api.VirtualMachineInterfaces;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.Kubernetes.Bindings;

/// <summary>Which VirtualMachineInterfaces Services select: two statements for a page of Services.</summary>
internal static class ServiceEndpoints
{
    /// <summary>The Services that have a selector, each with what it selects in the order of names.</summary>
    public static async Task<List<(JsonObject Service, List<ServiceEndpoint> Endpoints)>> ReadAsync(NpgsqlConnection connection, IReadOnlyList<ServiceRow> services, CancellationToken ct)
    {
        var selecting = services.Where(s => s.DeletingAt is null).Select(s => (Row: s, Spec: StoredDocument.ReadOr(s.Spec, new ServiceSpec())!)).Where(s => s.Spec.Selector.Count > 0).ToList();
        if (selecting.Count == 0) return [];
        var chosen = await Sql.ReadAllAsync(
            connection,
            """
            SELECT s.i::int, v.uid, EXISTS (SELECT FROM kubernetes_object o WHERE o.resource = 'pods' AND o.uid = v.uid)
            FROM unnest($1, $2) WITH ORDINALITY AS s (ns, selector, i) JOIN virtual_machine_interface v ON v.namespace = s.ns AND v.labels @> s.selector::jsonb
            ORDER BY s.i, v.name
            """,
            row => (Index: row.GetInt32(0) - 1, Uid: row.GetGuid(1), IsPod: row.GetBoolean(2)), ct,
            Sql.Array(selecting, s => s.Row.Namespace), Sql.Array(selecting, s => ApiJson.Text(s.Spec.Selector), NpgsqlDbType.Text));
        var rows = await VirtualMachineInterfaceTable.ReadAsync(connection, "uid = ANY ($1)", ct, Sql.Value(chosen.Select(c => c.Uid).Distinct().ToArray()));
        var known = (await VirtualMachineInterfaceResources.ReadAsync(connection, rows, ct)).ToDictionary(v => v.Uid);
        var ofService = chosen.Where(c => known.ContainsKey(c.Uid)).ToLookup(c => c.Index, c => Endpoint(known[c.Uid], c.IsPod));
        return [.. selecting.Select((s, i) => (ToJson(s.Row, s.Spec), ofService[i].ToList()))];
    }

    private static ServiceEndpoint Endpoint(VirtualMachineInterfaceResource v, bool isPod) =>
        new(v.Namespace!, v.Name, v.Uid, isPod, v.VirtualRouter, v.Addresses, v.Status.Conditions.Any(c => c is { Type: "Ready", Status: "True" }));

    private static JsonObject ToJson(ServiceRow row, ServiceSpec spec) => new()
    {
        ["name"] = row.Name,
        ["namespace"] = row.Namespace,
        ["uid"] = row.Uid.ToString(),
        ["createdAt"] = row.CreatedAt.UtcDateTime.ToString("O"),
        ["labels"] = new JsonObject(row.Labels.Select(l => KeyValuePair.Create(l.Key, (JsonNode?)l.Value))),
        ["selector"] = new JsonObject(spec.Selector.Select(l => KeyValuePair.Create(l.Key, (JsonNode?)l.Value))),
        ["ipFamilies"] = new JsonArray([.. spec.IpFamilies.Select(f => JsonValue.Create(f.ToString()))]),
        ["ports"] = new JsonArray([.. spec.Ports.Select(p => new JsonObject { ["name"] = p.Name, ["protocol"] = p.Protocol.ToString(), ["port"] = p.Port, ["targetPort"] = p.TargetPort })]),
    };
}
