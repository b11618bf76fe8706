using CN2.Api.Allocation;
using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Writes;
using CN2.Network.Status;
using Microsoft.EntityFrameworkCore;

namespace CN2.Api.Namespaces;

/// <summary>Reads and writes Namespace rows; each method is one decision inside <see cref="WritePipeline"/>'s transaction.</summary>
public sealed class NamespaceStore
{
    public static NamespaceResource ToResource(NamespaceRow row) => new()
    {
        Name = row.Name,
        Uid = row.Uid,
        Labels = row.Labels,
        Annotations = row.Annotations,
        Generation = row.Generation,
        CreatedAt = row.CreatedAt,
        UpdatedAt = row.UpdatedAt,
        Status = new NamespaceStatus(ResourceState.Success, StoredDocument.Conditions(row, [])),
    };

    /// <summary>It always exists: <c>default</c>, and <c>contrail</c>, in which the Kubernetes API has its BGPRouters and its Kubemanager.</summary>
    public static bool IsBuiltIn(string name) => name is "default" or "contrail";

    /// <summary>The request that, as a PUT, changes nothing.</summary>
    public static NamespaceRequest ToRequest(NamespaceRow row) => new() { Name = row.Name, Labels = row.Labels, Annotations = row.Annotations };

    /// <summary>
    /// The row, locked until the transaction ends. The catalog's row is locked before it: a change of a namespace changes the catalog, and
    /// the creation of a network locks the catalog before the namespace.
    /// </summary>
    public async Task<NamespaceRow?> LockAsync(WriteScope scope, string name, CancellationToken cancellationToken)
    {
        await Catalog.LockAsync(scope.Connection, cancellationToken);
        return await scope.Db.Namespaces.FromSql($"SELECT * FROM namespace WHERE name = {name} FOR UPDATE").AsTracking().SingleOrDefaultAsync(cancellationToken);
    }

    public WriteOutcome Create(WriteScope scope, NamespaceRequest request)
    {
        var row = new NamespaceRow { Name = request.Name! }.CreatedAt(scope, request);
        scope.Db.Namespaces.Add(row);
        scope.Changes.Added(ResourceKind.Namespace, null, row.Name, row.Uid);
        return new WriteOutcome.Created(ToResource(row));
    }

    public WriteOutcome Replace(WriteScope scope, NamespaceRow row, NamespaceRequest request)
    {
        if (scope.CheckIfMatch(row.Generation) is { } stale) return stale;
        scope.Audit.Remember(row.Uid, row.Generation, () => ToRequest(row));
        if (row.ChangeMetadata(request)) scope.Touch(ResourceKind.Namespace, row);
        return new WriteOutcome.Saved(ToResource(row));
    }

    public async Task<WriteOutcome> DeleteAsync(WriteScope scope, NamespaceRow row, CancellationToken cancellationToken)
    {
        if (scope.CheckIfMatch(row.Generation) is { } stale) return stale;
        if (IsBuiltIn(row.Name)) return ApiProblem.InUse($"Namespace {row.Name}", ["the product: it always exists"]);
        // The row is locked, so nothing can be added to the namespace until this transaction ends.
        var content = await scope.Db.Database.SqlQuery<string>(
            $"""
             SELECT 'Service ' || namespace || '/' || name AS "Value" FROM service WHERE namespace = {row.Name}
             UNION ALL SELECT 'FloatingIP ' || namespace || '/' || name FROM floating_ip WHERE namespace = {row.Name}
             UNION ALL SELECT 'ExternalNetwork ' || namespace || '/' || name FROM external_network WHERE namespace = {row.Name}
             UNION ALL SELECT 'VirtualMachineInterface ' || namespace || '/' || name FROM virtual_machine_interface WHERE namespace = {row.Name}
             UNION ALL SELECT 'ServiceHealthCheck ' || namespace || '/' || name FROM service_health_check WHERE namespace = {row.Name}
             UNION ALL SELECT resource || ' ' || namespace || '/' || name FROM kubernetes_object WHERE namespace_alone = {row.Name}
             LIMIT 1000
             """).ToListAsync(cancellationToken);
        if (content.Count > 0) return ApiProblem.InUse($"Namespace {row.Name}", content);
        scope.Db.Namespaces.Remove(row);
        scope.Changes.Deleted(ResourceKind.Namespace, ToResource(row));
        return new WriteOutcome.Gone();
    }
}
