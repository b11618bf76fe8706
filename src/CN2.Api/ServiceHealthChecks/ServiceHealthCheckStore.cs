using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Api.Writes;
using CN2.Network.Status;
using Microsoft.EntityFrameworkCore;

namespace CN2.Api.ServiceHealthChecks;

/// <summary>Reads and writes ServiceHealthCheck rows; each write is one decision inside <see cref="WritePipeline"/>'s transaction.</summary>
public sealed class ServiceHealthCheckStore
{
    public static ServiceHealthCheckResource ToResource(ServiceHealthCheckRow row) => StoredDocument.Make(
        row, () => ToResource(row, ApiJson.Read<ServiceHealthCheckSpec>(row.Spec)),
        condition => ToResource(row, new ServiceHealthCheckSpec(default)) with { Status = new ServiceHealthCheckStatus(ResourceState.Failure, [condition]) });

    private static ServiceHealthCheckResource ToResource(ServiceHealthCheckRow row, ServiceHealthCheckSpec spec)
    {
        return new ServiceHealthCheckResource
        {
            Name = row.Name,
            Namespace = row.Namespace,
            Uid = row.Uid,
            Labels = row.Labels,
            Annotations = row.Annotations,
            Generation = row.Generation,
            CreatedAt = row.CreatedAt,
            UpdatedAt = row.UpdatedAt,
            MonitorType = spec.MonitorType,
            Delay = spec.Delay,
            Timeout = spec.Timeout,
            MaxRetries = spec.MaxRetries,
            HttpMethod = spec.HttpMethod,
            UrlPath = spec.UrlPath,
            ExpectedCodes = spec.ExpectedCodes,
            Port = spec.Port,
            Status = new ServiceHealthCheckStatus(ResourceState.Success, StoredDocument.Conditions(row, [])),
        };
    }

    /// <summary>The request that, as a PUT, changes nothing.</summary>
    public static ServiceHealthCheckRequest ToRequest(ServiceHealthCheckRow row)
    {
        var spec = ApiJson.Read<ServiceHealthCheckSpec>(row.Spec);
        return new ServiceHealthCheckRequest
        {
            Name = row.Name,
            Labels = row.Labels,
            Annotations = row.Annotations,
            MonitorType = spec.MonitorType,
            Delay = spec.Delay,
            Timeout = spec.Timeout,
            MaxRetries = spec.MaxRetries,
            HttpMethod = spec.HttpMethod,
            UrlPath = spec.UrlPath,
            ExpectedCodes = spec.ExpectedCodes,
            Port = spec.Port,
        };
    }

    /// <summary>The row, locked until the transaction ends.</summary>
    public Task<ServiceHealthCheckRow?> LockAsync(WriteScope scope, string ns, string name, CancellationToken cancellationToken) =>
        scope.Db.ServiceHealthChecks.FromSql($"SELECT * FROM service_health_check WHERE namespace = {ns} AND name = {name} FOR UPDATE")
            .AsTracking().SingleOrDefaultAsync(cancellationToken);

    public WriteOutcome Create(WriteScope scope, string ns, ServiceHealthCheckRequest request)
    {
        var row = new ServiceHealthCheckRow { Namespace = ns, Name = request.Name!, Spec = ApiJson.Text(request.ToSpec()) }.CreatedAt(scope, request);
        scope.Db.ServiceHealthChecks.Add(row);
        scope.Changes.Added(ResourceKind.ServiceHealthCheck, ns, row.Name, row.Uid);
        return new WriteOutcome.Created(ToResource(row));
    }

    public WriteOutcome Replace(WriteScope scope, ServiceHealthCheckRow row, ServiceHealthCheckRequest request)
    {
        if (scope.CheckIfMatch(row.Generation) is { } stale) return stale;
        scope.Audit.Remember(row.Uid, row.Generation, () => ToRequest(row));
        var spec = request.ToSpec();
        var changed = ApiJson.Read<ServiceHealthCheckSpec>(row.Spec) != spec;
        if (changed) row.Spec = ApiJson.Text(spec);
        if (row.ChangeMetadata(request) || changed) scope.Touch(ResourceKind.ServiceHealthCheck, row);
        return new WriteOutcome.Saved(ToResource(row));
    }

    public async Task<WriteOutcome> DeleteAsync(WriteScope scope, ServiceHealthCheckRow row, CancellationToken cancellationToken)
    {
        if (scope.CheckIfMatch(row.Generation) is { } stale) return stale;
        var users = await scope.Db.VirtualMachineInterfaces.Where(v => v.Namespace == row.Namespace && v.HealthCheck == row.Name)
            .OrderBy(v => v.Name).Select(v => v.Name).Take(1000).ToListAsync(cancellationToken);
        if (users.Count > 0)
            return ApiProblem.InUse($"ServiceHealthCheck {row.Namespace}/{row.Name}", users.ConvertAll(u => $"VirtualMachineInterface {row.Namespace}/{u}"));
        scope.Db.ServiceHealthChecks.Remove(row);
        scope.Changes.Deleted(ResourceKind.ServiceHealthCheck, ToResource(row));
        return new WriteOutcome.Gone();
    }
}
