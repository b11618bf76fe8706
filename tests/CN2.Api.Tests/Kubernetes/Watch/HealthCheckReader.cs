using System.Data;
using System.Text.Json.Nodes;
using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Kubernetes.Lists;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Kubernetes.Versions;
using CN2.Network.Selection;
using Npgsql;

namespace CN2.Api.Tests.Kubernetes.Watch;

/// <summary>Objects straight from a table, so that lists and watches are tested without the mapping of a kind.</summary>
internal sealed class HealthCheckReader(NpgsqlDataSource source, ObjectVersions versions) : IObjectReader
{
    public ResourceDefinition Resource => HealthCheckSchema.Definition;

    public bool Follows(ChangeRow change) => change.Kind == ResourceKind.ServiceHealthCheck;

    public async Task<IReadOnlyList<(Guid Changed, JsonObject Object)>> LoadAsync(IReadOnlyCollection<Guid> uids, CancellationToken ct) =>
        [.. (await ReadAsync("uid = ANY($1)", ct, new NpgsqlParameter<Guid[]> { TypedValue = [.. uids] })).Objects.Select(o => (Guid.Parse((string)o["metadata"]!["uid"]!), o))];

    public JsonObject LastOf(ChangeRow deletion) => Shown(deletion.Uid, deletion.Namespace!, deletion.Name, (JsonObject)JsonNode.Parse(deletion.Document!)!["labels"]!.DeepClone());

    public async Task<ListedObjects> ReadAsync(NamespaceScope scope, LabelSelector labels, (string Namespace, string Name)? after, int most, CancellationToken ct)
    {
        var (moment, objects) = await ReadAsync("($1 = '' OR namespace = $1) AND (namespace, name) > ($2, $3) ORDER BY namespace, name LIMIT $4", ct,
            new NpgsqlParameter<string> { TypedValue = scope.Namespace ?? "" }, new NpgsqlParameter<string> { TypedValue = after?.Namespace ?? "" },
            new NpgsqlParameter<string> { TypedValue = after?.Name ?? "" }, new NpgsqlParameter<int> { TypedValue = most });
        return new ListedObjects(moment, objects, objects.Count < most ? null : ((string)objects[^1]["metadata"]!["namespace"]!, (string)objects[^1]["metadata"]!["name"]!));
    }

    private async Task<(VersionMoment Moment, List<JsonObject> Objects)> ReadAsync(string condition, CancellationToken ct, params NpgsqlParameter[] parameters)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, ct);
        var moment = await versions.MomentAsync(connection, ct);
        var objects = await Sql.ReadAllAsync(connection, $"SELECT uid, namespace, name, labels::text FROM service_health_check WHERE {condition}",
            row => Shown(row.GetGuid(0), row.GetString(1), row.GetString(2), (JsonObject)JsonNode.Parse(row.GetString(3))!), ct, parameters);
        var known = await versions.ReadAsync(connection, [.. objects.Select(o => Guid.Parse((string)o["metadata"]!["uid"]!))], ct);
        foreach (var shown in objects) shown["metadata"]!["resourceVersion"] = known[Guid.Parse((string)shown["metadata"]!["uid"]!)].ToString();
        return (moment, objects);
    }

    private JsonObject Shown(Guid uid, string ns, string name, JsonObject labels) => new()
    {
        ["apiVersion"] = Resource.ApiVersion,
        ["kind"] = Resource.Kind,
        ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = ns, ["uid"] = uid.ToString(), ["labels"] = labels },
    };
}
