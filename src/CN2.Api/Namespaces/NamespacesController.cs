using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Http;
using CN2.Api.Writes;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace CN2.Api.Namespaces;

/// <summary>Namespaces: they contain resources, and selectors select them by their labels.</summary>
[ApiController]
[AccessTarget(AccessResource.Namespaces)]
[Tags("Namespaces")]
[Route("v1/namespaces")]
public sealed class NamespacesController(CN2DbContext db, NamespaceStore store, WritePipeline writes, RequestValidation validation) : ControllerBase
{
    /// <summary>Lists Namespaces.</summary>
    [HttpGet(Name = "ListNamespaces")]
    [ProducesResponseType<Page<NamespaceResource>>(200)]
    public async Task<IActionResult> List(CancellationToken cancellationToken)
    {
        var (query, refused) = ListQuery.Read(Request);
        if (refused is not null) return new ProblemResult(refused);
        var rows = await db.Namespaces.Named(CallerRights.Of(HttpContext).Visible).PageAsync(query!, cancellationToken);
        return Answer.Json(200, query!.ToPage(rows.ConvertAll(NamespaceStore.ToResource), n => (null, n.Name)));
    }

    /// <summary>Creates a Namespace.</summary>
    [HttpPost(Name = "CreateNamespace")]
    [ProducesResponseType<NamespaceResource>(201)]
    public Task<IActionResult> Create(NamespaceRequest request) =>
        writes.ExecuteAsync(HttpContext, (scope, _) => Task.FromResult(store.Create(scope, request)));

    /// <summary>Reads a Namespace.</summary>
    [HttpGet("{name}", Name = "GetNamespace")]
    [ProducesResponseType<NamespaceResource>(200)]
    public async Task<IActionResult> Get(string name, CancellationToken cancellationToken) =>
        await db.Namespaces.SingleOrDefaultAsync(n => n.Name == name, cancellationToken) is { } row
            ? Answer.Resource(200, NamespaceStore.ToResource(row))
            : new ProblemResult(Missing(name));

    /// <summary>Replaces a Namespace, or creates it.</summary>
    [HttpPut("{name}", Name = "PutNamespace")]
    [ProducesResponseType<NamespaceResource>(200)]
    [ProducesResponseType<NamespaceResource>(201)]
    public Task<IActionResult> Put(string name, NamespaceRequest request) => writes.ExecuteAsync(HttpContext, async (scope, ct) =>
    {
        if (await store.LockAsync(scope, name, ct) is { } row) return store.Replace(scope, row, request);
        return scope.CheckIfMatch(null) is { } stale ? stale : store.Create(scope, request);
    });

    /// <summary>Changes a Namespace by a merge patch.</summary>
    [HttpPatch("{name}", Name = "PatchNamespace")]
    [ProducesResponseType<NamespaceResource>(200)]
    public Task<IActionResult> Patch(string name, MergePatch patch) => writes.ExecuteAsync(HttpContext, async (scope, ct) =>
    {
        if (await store.LockAsync(scope, name, ct) is not { } row) return Missing(name);
        var (request, refused) = patch.Apply(NamespaceStore.ToRequest(row), validation, HttpContext);
        return refused is not null ? refused : store.Replace(scope, row, request!);
    });

    /// <summary>Deletes an empty Namespace.</summary>
    [HttpDelete("{name}", Name = "DeleteNamespace")]
    [ProducesResponseType(204)]
    public Task<IActionResult> Delete(string name) =>
        writes.DeleteAsync(HttpContext, $"Namespace {name}", (scope, ct) => store.LockAsync(scope, name, ct), store.DeleteAsync);

    private static ApiProblem Missing(string name) => ApiProblem.NotFound($"Namespace {name}");
}
