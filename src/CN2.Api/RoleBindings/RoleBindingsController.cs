using CN2.Api.Access;
using CN2.Api.Authorization;
using CN2.Api.Data;
using CN2.Api.Http;
using CN2.Api.Writes;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace CN2.Api.RoleBindings;

/// <summary>RoleBindings: who may do what.</summary>
[ApiController]
[AccessTarget(AccessResource.RoleBindings)]
[Tags("RoleBindings")]
[Route("v1/role-bindings")]
public sealed class RoleBindingsController(CN2DbContext db, RoleBindingStore store, AccessState access, WritePipeline writes, RequestValidation validation) : ControllerBase
{
    /// <summary>Lists RoleBindings.</summary>
    [HttpGet(Name = "ListRoleBindings")]
    [ProducesResponseType<Page<RoleBindingResource>>(200)]
    public async Task<IActionResult> List(CancellationToken cancellationToken)
    {
        var (query, refused) = ListQuery.Read(Request);
        if (refused is not null) return new ProblemResult(refused);
        var rows = await db.RoleBindings.PageAsync(query!, cancellationToken);
        return Answer.Json(200, query!.ToPage(rows.ConvertAll(RoleBindingStore.ToResource), b => (null, b.Name)));
    }

    /// <summary>Creates a RoleBinding. It counts at this control node at once, at the others within a second.</summary>
    [HttpPost(Name = "CreateRoleBinding")]
    [ProducesResponseType<RoleBindingResource>(201)]
    public Task<IActionResult> Create(RoleBindingRequest request) => WriteAsync((scope, ct) => store.CreateAsync(scope, request, ct));

    /// <summary>Reads a RoleBinding.</summary>
    [HttpGet("{name}", Name = "GetRoleBinding")]
    [ProducesResponseType<RoleBindingResource>(200)]
    public async Task<IActionResult> Get(string name, CancellationToken cancellationToken) =>
        await db.RoleBindings.SingleOrDefaultAsync(b => b.Name == name, cancellationToken) is { } row
            ? Answer.Resource(200, RoleBindingStore.ToResource(row))
            : new ProblemResult(Missing(name));

    /// <summary>Replaces a RoleBinding, or creates it. Watches end whose caller may do something else afterwards; they go on with their token.</summary>
    [HttpPut("{name}", Name = "PutRoleBinding")]
    [ProducesResponseType<RoleBindingResource>(200)]
    [ProducesResponseType<RoleBindingResource>(201)]
    public Task<IActionResult> Put(string name, RoleBindingRequest request) => WriteAsync(async (scope, ct) =>
    {
        if (await store.LockAsync(scope, name, ct) is { } row) return await store.ReplaceAsync(scope, row, request, ct);
        return scope.CheckIfMatch(null) is { } stale ? stale : await store.CreateAsync(scope, request, ct);
    });

    /// <summary>Changes a RoleBinding by a merge patch; a list is replaced as a whole.</summary>
    [HttpPatch("{name}", Name = "PatchRoleBinding")]
    [ProducesResponseType<RoleBindingResource>(200)]
    public Task<IActionResult> Patch(string name, MergePatch patch) => WriteAsync(async (scope, ct) =>
    {
        if (await store.LockAsync(scope, name, ct) is not { } row) return Missing(name);
        var (request, refused) = patch.Apply(RoleBindingStore.ToRequest(row), validation, HttpContext);
        return refused is not null ? refused : await store.ReplaceAsync(scope, row, request!, ct);
    });

    /// <summary>Deletes a RoleBinding. The last one that makes somebody an admin cannot be deleted.</summary>
    [HttpDelete("{name}", Name = "DeleteRoleBinding")]
    [ProducesResponseType(204)]
    public async Task<IActionResult> Delete(string name)
    {
        var answer = await writes.DeleteAsync(HttpContext, $"RoleBinding {name}", (scope, ct) => store.LockAsync(scope, name, ct), store.DeleteAsync);
        await access.RefreshAsync(HttpContext.RequestAborted);
        return answer;
    }

    /// <summary>What this replica has changed counts here at once.</summary>
    private async Task<IActionResult> WriteAsync(Func<WriteScope, CancellationToken, Task<WriteOutcome>> decide)
    {
        var answer = await writes.ExecuteAsync(HttpContext, decide);
        await access.RefreshAsync(HttpContext.RequestAborted);
        return answer;
    }

    private static ApiProblem Missing(string name) => ApiProblem.NotFound($"RoleBinding {name}");
}
