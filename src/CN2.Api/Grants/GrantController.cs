using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Http;
using CN2.Api.Writes;
using Microsoft.AspNetCore.Mvc;

namespace CN2.Api.Grants;

/// <summary>Grants: what a namespace may use and announce.</summary>
[ApiController]
[Tags("Grants")]
[Route("v1/namespaces/{ns}/grant")]
[AccessTarget(AccessResource.Grants)]
public sealed class GrantController(CN2DbContext db, GrantStore store, WritePipeline writes) : ControllerBase
{
    /// <summary>Grants a namespace what it may use and announce, or replaces its grant. What it has beyond the grant stays, and it gets no more.</summary>
    [HttpPut(Name = "PutGrant")]
    [ProducesResponseType<GrantResource>(200)]
    [ProducesResponseType<GrantResource>(201)]
    public Task<IActionResult> Put(string ns, GrantRequest request) => writes.ExecuteAsync(HttpContext, (scope, ct) => store.PutAsync(scope, ns, request, ct));

    /// <summary>Reads the grant of a namespace, with how much of it is used.</summary>
    [HttpGet(Name = "GetGrant")]
    [ProducesResponseType<GrantResource>(200)]
    public async Task<IActionResult> Get(string ns, CancellationToken cancellationToken) =>
        await store.FindAsync(await db.OpenSqlAsync(cancellationToken), ns, cancellationToken) is { } row
            ? Answer.Resource(200, GrantStore.ToResource(row)) : new ProblemResult(ApiProblem.NotFound(GrantStore.What(ns)));

    /// <summary>Deletes the grant of a namespace. Its networks stay; from then on only operators write them, and nothing is counted.</summary>
    [HttpDelete(Name = "DeleteGrant")]
    [ProducesResponseType(204)]
    public Task<IActionResult> Delete(string ns) => writes.DeleteAsync(HttpContext, GrantStore.What(ns), (scope, ct) => store.LockAsync(scope, ns, ct), store.DeleteAsync);
}
