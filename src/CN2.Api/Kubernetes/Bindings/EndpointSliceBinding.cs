using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Kubernetes.Kinds;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Services;
using CN2.Api.Writes;
using CN2.Network.Selection;
using Npgsql;

namespace CN2.Api.Kubernetes.Bindings;

/// <summary>
/// endpointslices of <c>discovery.k8s.io/v1</c>: one or more for each family of a Service with a selector. Their changes in the feed are those of the
/// Service. A page has all slices of its Services, so that it may be longer than what was asked for.
/// </summary>
internal sealed partial class EndpointSliceBinding : ReadOnlyBinding
{
    public override ResourceDefinition Definition => EndpointsSchemas.EndpointSlice;

    public override ResourceKind? Kind => ResourceKind.Service;

    public override async Task<BoundObject?> FindAsync(NpgsqlConnection connection, string? ns, string name, CancellationToken ct)
    {
        if (Suffix().Match(name) is not { Success: true } match) return null;
        if (await ServiceTable.FindAsync(connection, ns!, match.Groups[1].Value, forUpdate: false, ct) is not { } row) return null;
        return (await ToObjectsAsync(connection, [row], null, ct)).Find(s => s.Name == name);
    }

    public override async Task<ObjectPage> ListAsync(CN2DbContext db, ObjectRange range, CancellationToken ct)
    {
        var connection = await db.OpenSqlAsync(ct);
        // kubectl describe asks for the slices of one Service by this label.
        if (range is { Namespace: { } ns, After: null } && range.Selector?.Requirements.FirstOrDefault(r => r is { Key: "kubernetes.io/service-name", Operator: LabelOperator.In }) is { Values: [var only] })
            return new ObjectPage(await ServiceTable.FindAsync(connection, ns, only, forUpdate: false, ct) is { } one ? await ToObjectsAsync(connection, [one], range.Selector, ct) : [], null);
        var rows = await db.Services.In(range.Scope).NamespacedPageAsync(ListQuery.Of(range.Most, null, range.After), ct);
        var page = rows.Take(range.Most).ToList();
        return new ObjectPage(await ToObjectsAsync(connection, page, range.Selector, ct), rows.Count > page.Count ? (page[^1].Namespace, page[^1].Name) : null);
    }

    public override async Task<IReadOnlyList<BoundObject>> LoadAsync(CN2DbContext db, IReadOnlyCollection<Guid> uids, CancellationToken ct)
    {
        var connection = await db.OpenSqlAsync(ct);
        return await ToObjectsAsync(connection, await ServiceTable.ReadAsync(connection, "s.uid = ANY ($1)", ct, Sql.Value(uids.ToArray())), null, ct);
    }

    private static async Task<List<BoundObject>> ToObjectsAsync(NpgsqlConnection connection, IReadOnlyList<ServiceRow> rows, LabelSelector? selector, CancellationToken ct) =>
    [
        .. (await ServiceEndpoints.ReadAsync(connection, rows, ct)).SelectMany(s => EndpointsMapping.ToSlices(s.Service, s.Endpoints)
            .Where(slice => selector is null || selector.Matches(((JsonObject)slice["metadata"]!["labels"]!).ToDictionary(l => l.Key, l => l.Value!.ToString())))
            .Select(slice => Bound(slice, Guid.Parse(s.Service["uid"]!.ToString())))),
    ];

    [GeneratedRegex("^(.+)-ipv[46](-[0-9]+)?$", RegexOptions.CultureInvariant)]
    private static partial Regex Suffix();
}
