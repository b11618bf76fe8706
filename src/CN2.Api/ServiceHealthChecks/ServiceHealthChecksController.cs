using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Http;
using CN2.Api.Writes;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace CN2.Api.ServiceHealthChecks;

/// <summary>ServiceHealthChecks: how endpoints are checked.</summary>
[ApiController]
[AccessTarget(AccessResource.ServiceHealthChecks)]
[Tags("ServiceHealthChecks")]
[Route("v1/namespaces/{ns}/service-health-checks")]
public sealed class ServiceHealthChecksController(CN2DbContext db, ServiceHealthCheckStore store, WritePipeline writes, RequestValidation validation) : ControllerBase
{
    /// <summary>Lists the ServiceHealthChecks of all namespaces.</summary>
    [HttpGet("/v1/service-health-checks", Name = "ListAllServiceHealthChecks")]
    [ProducesResponseType<Page<ServiceHealthCheckResource>>(200)]
    public Task<IActionResult> ListAll(CancellationToken cancellationToken) => ListIn(null, cancellationToken);

    /// <summary>Lists ServiceHealthChecks.</summary>
    [HttpGet(Name = "ListServiceHealthChecks")]
    [ProducesResponseType<Page<ServiceHealthCheckResource>>(200)]
    public Task<IActionResult> List(string ns, CancellationToken cancellationToken) => ListIn(ns, cancellationToken);

    /// <summary>Creates a ServiceHealthCheck.</summary>
    [HttpPost(Name = "CreateServiceHealthCheck")]
    [ProducesResponseType<ServiceHealthCheckResource>(201)]
    public Task<IActionResult> Create(string ns, ServiceHealthCheckRequest request) =>
        writes.ExecuteAsync(HttpContext, (scope, _) => Task.FromResult(store.Create(scope, ns, request)));

    /// <summary>Reads a ServiceHealthCheck.</summary>
    [HttpGet("{name}", Name = "GetServiceHealthCheck")]
    [ProducesResponseType<ServiceHealthCheckResource>(200)]
    public async Task<IActionResult> Get(string ns, string name, CancellationToken cancellationToken) =>
        await db.ServiceHealthChecks.SingleOrDefaultAsync(h => h.Namespace == ns && h.Name == name, cancellationToken) is { } row
            ? Answer.Resource(200, ServiceHealthCheckStore.ToResource(row))
            : new ProblemResult(Missing(ns, name));

    /// <summary>Replaces a ServiceHealthCheck, or creates it.</summary>
    [HttpPut("{name}", Name = "PutServiceHealthCheck")]
    [ProducesResponseType<ServiceHealthCheckResource>(200)]
    [ProducesResponseType<ServiceHealthCheckResource>(201)]
    public Task<IActionResult> Put(string ns, string name, ServiceHealthCheckRequest request) => writes.ExecuteAsync(HttpContext, async (scope, ct) =>
    {
        if (await store.LockAsync(scope, ns, name, ct) is { } row) return store.Replace(scope, row, request);
        return scope.CheckIfMatch(null) is { } stale ? stale : store.Create(scope, ns, request);
    });

    /// <summary>Changes a ServiceHealthCheck by a merge patch.</summary>
    [HttpPatch("{name}", Name = "PatchServiceHealthCheck")]
    [ProducesResponseType<ServiceHealthCheckResource>(200)]
    public Task<IActionResult> Patch(string ns, string name, MergePatch patch) => writes.ExecuteAsync(HttpContext, async (scope, ct) =>
    {
        if (await store.LockAsync(scope, ns, name, ct) is not { } row) return Missing(ns, name);
        var (request, refused) = patch.Apply(ServiceHealthCheckStore.ToRequest(row), validation, HttpContext);
        return refused is not null ? refused : store.Replace(scope, row, request!);
    });

    /// <summary>Deletes a ServiceHealthCheck that no endpoint uses.</summary>
    [HttpDelete("{name}", Name = "DeleteServiceHealthCheck")]
    [ProducesResponseType(204)]
    public Task<IActionResult> Delete(string ns, string name) =>
        writes.DeleteAsync(HttpContext, $"ServiceHealthCheck {ns}/{name}", (scope, ct) => store.LockAsync(scope, ns, name, ct), store.DeleteAsync);

    private async Task<IActionResult> ListIn(string? ns, CancellationToken cancellationToken)
    {
        var (query, refused) = ListQuery.Read(Request);
        if (refused is not null) return new ProblemResult(refused);
        var rows = await db.ServiceHealthChecks.In(NamespaceScope.Of(HttpContext, ns)).NamespacedPageAsync(query!, cancellationToken);
        return Answer.Json(200, query!.ToPage(rows.ConvertAll(ServiceHealthCheckStore.ToResource), h => (h.Namespace, h.Name)));
    }

    private static ApiProblem Missing(string ns, string name) => ApiProblem.NotFound($"ServiceHealthCheck {ns}/{name}");
}
