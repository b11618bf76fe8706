using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Http;
using CN2.Api.Writes;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace CN2.Api.VirtualRouters;

/// <summary>VirtualRouters: the compute nodes. Their agents program NAT, and their addresses are the next hops of routes.</summary>
[ApiController]
[AccessTarget(AccessResource.VirtualRouters)]
[Tags("VirtualRouters")]
[Route("v1/virtual-routers")]
public sealed class VirtualRoutersController(CN2DbContext db, VirtualRouterStore store, WritePipeline writes, RequestValidation validation) : ControllerBase
{
    /// <summary>Lists VirtualRouters.</summary>
    [HttpGet(Name = "ListVirtualRouters")]
    [ProducesResponseType<Page<VirtualRouterResource>>(200)]
    public async Task<IActionResult> List(CancellationToken cancellationToken)
    {
        var (query, refused) = ListQuery.Read(Request);
        if (refused is not null) return new ProblemResult(refused);
        var rows = await db.VirtualRouters.PageAsync(query!, cancellationToken);
        return Answer.Json(200, query!.ToPage(await store.ToResourcesAsync(db, rows, cancellationToken), r => (null, r.Name)));
    }

    /// <summary>Creates a VirtualRouter.</summary>
    [HttpPost(Name = "CreateVirtualRouter")]
    [ProducesResponseType<VirtualRouterResource>(201)]
    public Task<IActionResult> Create(VirtualRouterRequest request) =>
        writes.ExecuteAsync(HttpContext, (scope, ct) => store.CreateAsync(scope, request, ct));

    /// <summary>Reads a VirtualRouter.</summary>
    [HttpGet("{name}", Name = "GetVirtualRouter")]
    [ProducesResponseType<VirtualRouterResource>(200)]
    public async Task<IActionResult> Get(string name, CancellationToken cancellationToken) =>
        await db.VirtualRouters.SingleOrDefaultAsync(r => r.Name == name, cancellationToken) is { } row
            ? Answer.Resource(200, await store.ToResourceAsync(db, row, cancellationToken))
            : new ProblemResult(Missing(name));

    /// <summary>Replaces a VirtualRouter, or creates it.</summary>
    [HttpPut("{name}", Name = "PutVirtualRouter")]
    [ProducesResponseType<VirtualRouterResource>(200)]
    [ProducesResponseType<VirtualRouterResource>(201)]
    public Task<IActionResult> Put(string name, VirtualRouterRequest request) => writes.ExecuteAsync(HttpContext, async (scope, ct) =>
    {
        if (await store.LockAsync(scope, name, ct) is { } row) return await store.ReplaceAsync(scope, row, request, ct);
        return scope.CheckIfMatch(null) is { } stale ? stale : await store.CreateAsync(scope, request, ct);
    });

    /// <summary>Changes a VirtualRouter by a merge patch.</summary>
    [HttpPatch("{name}", Name = "PatchVirtualRouter")]
    [ProducesResponseType<VirtualRouterResource>(200)]
    public Task<IActionResult> Patch(string name, MergePatch patch) => writes.ExecuteAsync(HttpContext, async (scope, ct) =>
    {
        if (await store.LockAsync(scope, name, ct) is not { } row) return Missing(name);
        var (request, refused) = patch.Apply(VirtualRouterStore.ToRequest(row), validation, HttpContext);
        return refused is not null ? refused : await store.ReplaceAsync(scope, row, request!, ct);
    });

    /// <summary>Deletes a VirtualRouter, also while endpoints name it.</summary>
    [HttpDelete("{name}", Name = "DeleteVirtualRouter")]
    [ProducesResponseType(204)]
    public Task<IActionResult> Delete(string name) =>
        writes.DeleteAsync(HttpContext, $"VirtualRouter {name}", (scope, ct) => store.LockAsync(scope, name, ct), store.DeleteAsync);

    private static ApiProblem Missing(string name) => ApiProblem.NotFound($"VirtualRouter {name}");
}
