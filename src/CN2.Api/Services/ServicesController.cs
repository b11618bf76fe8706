using CN2.Api.Access;
using CN2.Api.Audit;
using CN2.Api.Data;
using CN2.Api.Data.Documents;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Api.Writes;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace CN2.Api.Services;

/// <summary>Services: an address that routers can reach, in front of the endpoints that a selector selects.</summary>
[ApiController]
[AccessTarget(AccessResource.Services)]
[Tags("Services")]
[Route("v1")]
public sealed class ServicesController(CN2DbContext db, ServiceStore store, ServiceResources resources, WritePipeline writes, RequestValidation validation) : ControllerBase
{
    /// <summary>Lists the Services of all namespaces.</summary>
    [HttpGet("services", Name = "ListAllServices")]
    [ProducesResponseType<Page<ServiceResource>>(200)]
    public Task<IActionResult> ListAll(CancellationToken cancellationToken) => ListAsync(null, cancellationToken);

    /// <summary>Lists the Services of a namespace.</summary>
    [HttpGet("namespaces/{ns}/services", Name = "ListServices")]
    [ProducesResponseType<Page<ServiceResource>>(200)]
    public Task<IActionResult> List(string ns, CancellationToken cancellationToken) => ListAsync(ns, cancellationToken);

    /// <summary>Creates a Service. Its addresses are allocated in the request: the answer shows them, or why they are missing.</summary>
    [HttpPost("namespaces/{ns}/services", Name = "CreateService")]
    [ProducesResponseType<ServiceResource>(201)]
    public async Task<IActionResult> Create(string ns, ServiceRequest request)
    {
        var answer = await writes.ExecuteAsync(HttpContext, store.Creates, new ServiceDraft(ns, request, CallerRights.Of(HttpContext)) { Origin = AuditOrigin.Of(HttpContext) });
        // The advice of already-exists, to change the Service, does not help while the Service is being deleted.
        return answer is ProblemResult { Problem.Code: ProblemCodes.AlreadyExists }
            && await db.Services.AnyAsync(s => s.Namespace == ns && s.Name == request.Name && s.DeletingAt != null, HttpContext.RequestAborted)
            ? new ProblemResult(ApiProblem.BeingDeleted(ServiceProblems.What(ns, request.Name!)))
            : answer;
    }

    /// <summary>Reads a Service.</summary>
    [HttpGet("namespaces/{ns}/services/{name}", Name = "GetService")]
    [ProducesResponseType<ServiceResource>(200)]
    public async Task<IActionResult> Get(string ns, string name, CancellationToken cancellationToken)
    {
        var connection = await db.OpenSqlAsync(cancellationToken);
        return await ServiceTable.FindAsync(connection, ns, name, forUpdate: false, cancellationToken) is { } row
            ? Answer.Resource(200, (await resources.ReadAsync(connection, [row], cancellationToken))[0]) : new ProblemResult(ServiceProblems.Missing(ns, name));
    }

    /// <summary>Replaces a Service, or creates it. Allocated addresses and node ports stay when the request does not name them.</summary>
    [HttpPut("namespaces/{ns}/services/{name}", Name = "PutService")]
    [ProducesResponseType<ServiceResource>(200)]
    [ProducesResponseType<ServiceResource>(201)]
    public Task<IActionResult> Put(string ns, string name, ServiceRequest request) => writes.ExecuteAsync(HttpContext, async (scope, ct) =>
    {
        if (await store.LockAsync(scope, ns, name, ct) is { } row) return await store.ReplaceAsync(scope, row, request, ct);
        return scope.CheckIfMatch(null) is { } stale ? stale : await store.Creates.DecideAsync(scope, new ServiceDraft(ns, request, scope.Rights), ct);
    });

    /// <summary>Changes a Service by a merge patch.</summary>
    [HttpPatch("namespaces/{ns}/services/{name}", Name = "PatchService")]
    [ProducesResponseType<ServiceResource>(200)]
    public Task<IActionResult> Patch(string ns, string name, MergePatch patch) => writes.ExecuteAsync(HttpContext, async (scope, ct) =>
    {
        if (await store.LockAsync(scope, ns, name, ct) is not { } row) return ServiceProblems.Missing(ns, name);
        var (request, refused) = patch.Apply(ServiceMapping.ToRequest(row, ApiJson.Read<ServiceSpec>(row.Spec)), validation, HttpContext);
        return refused is not null ? refused : await store.ReplaceAsync(scope, row, request!, ct);
    });

    /// <summary>Deletes a Service: first its routes are withdrawn, then its NAT entries are removed, then its addresses are free. Until then its state is Deleting (202).</summary>
    [HttpDelete("namespaces/{ns}/services/{name}", Name = "DeleteService")]
    [ProducesResponseType<ServiceResource>(202)]
    [ProducesResponseType(204)]
    public Task<IActionResult> Delete(string ns, string name) =>
        writes.DeleteAsync(HttpContext, ServiceProblems.What(ns, name), (scope, ct) => store.LockAsync(scope, ns, name, ct), store.DeleteAsync);

    private async Task<IActionResult> ListAsync(string? ns, CancellationToken cancellationToken)
    {
        var (query, refused) = ListQuery.Read(Request);
        if (refused is not null) return new ProblemResult(refused);
        var rows = await db.Services.In(NamespaceScope.Of(HttpContext, ns)).NamespacedPageAsync(query!, cancellationToken);
        var items = await resources.ReadAsync(await db.OpenSqlAsync(cancellationToken), rows, cancellationToken);
        return Answer.Json(200, query!.ToPage(items, s => (s.Namespace, s.Name)));
    }
}
