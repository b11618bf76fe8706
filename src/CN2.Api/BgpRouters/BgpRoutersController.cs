using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Http;
using CN2.Api.Writes;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace CN2.Api.BgpRouters;

/// <summary>BgpRouters: the external routers that learn the routes to FloatingIPs.</summary>
[ApiController]
[AccessTarget(AccessResource.BgpRouters)]
[Tags("BgpRouters")]
[Route("v1/bgp-routers")]
public sealed class BgpRoutersController(CN2DbContext db, BgpRouterStore store, WritePipeline writes, RequestValidation validation) : ControllerBase
{
    /// <summary>Lists BgpRouters.</summary>
    [HttpGet(Name = "ListBgpRouters")]
    [ProducesResponseType<Page<BgpRouterResource>>(200)]
    public async Task<IActionResult> List(CancellationToken cancellationToken)
    {
        var (query, refused) = ListQuery.Read(Request);
        if (refused is not null) return new ProblemResult(refused);
        var rows = await db.BgpRouters.PageAsync(query!, cancellationToken);
        return Answer.Json(200, query!.ToPage(await store.ToResourcesAsync(db, rows, cancellationToken), r => (null, r.Name)));
    }

    /// <summary>Creates a BgpRouter.</summary>
    [HttpPost(Name = "CreateBgpRouter")]
    [ProducesResponseType<BgpRouterResource>(201)]
    public Task<IActionResult> Create(BgpRouterRequest request) =>
        writes.ExecuteAsync(HttpContext, (scope, ct) => store.CreateAsync(scope, request, ct));

    /// <summary>Reads a BgpRouter.</summary>
    [HttpGet("{name}", Name = "GetBgpRouter")]
    [ProducesResponseType<BgpRouterResource>(200)]
    public async Task<IActionResult> Get(string name, CancellationToken cancellationToken) =>
        await db.BgpRouters.SingleOrDefaultAsync(r => r.Name == name, cancellationToken) is { } row
            ? Answer.Resource(200, await store.ToResourceAsync(db, row, cancellationToken))
            : new ProblemResult(Missing(name));

    /// <summary>Replaces a BgpRouter, or creates it.</summary>
    [HttpPut("{name}", Name = "PutBgpRouter")]
    [ProducesResponseType<BgpRouterResource>(200)]
    [ProducesResponseType<BgpRouterResource>(201)]
    public Task<IActionResult> Put(string name, BgpRouterRequest request) => writes.ExecuteAsync(HttpContext, async (scope, ct) =>
    {
        if (await store.LockAsync(scope, name, ct) is { } row) return await store.ReplaceAsync(scope, row, request, ct);
        return scope.CheckIfMatch(null) is { } stale ? stale : await store.CreateAsync(scope, request, ct);
    });

    /// <summary>Changes a BgpRouter by a merge patch.</summary>
    [HttpPatch("{name}", Name = "PatchBgpRouter")]
    [ProducesResponseType<BgpRouterResource>(200)]
    public Task<IActionResult> Patch(string name, MergePatch patch) => writes.ExecuteAsync(HttpContext, async (scope, ct) =>
    {
        if (await store.LockAsync(scope, name, ct) is not { } row) return Missing(name);
        var (request, refused) = patch.Apply(BgpRouterStore.ToRequest(row), validation, HttpContext);
        if (request is { AuthKey: null } && patch.Removes("authKey")) request.AuthKey = "";
        return refused is not null ? refused : await store.ReplaceAsync(scope, row, request!, ct);
    });

    /// <summary>Deletes a BgpRouter and closes its sessions.</summary>
    [HttpDelete("{name}", Name = "DeleteBgpRouter")]
    [ProducesResponseType(204)]
    public Task<IActionResult> Delete(string name) =>
        writes.DeleteAsync(HttpContext, $"BgpRouter {name}", (scope, ct) => store.LockAsync(scope, name, ct), store.DeleteAsync);

    private static ApiProblem Missing(string name) => ApiProblem.NotFound($"BgpRouter {name}");
}
