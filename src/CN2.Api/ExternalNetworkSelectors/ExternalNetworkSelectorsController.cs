using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Http;
using CN2.Api.Writes;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace CN2.Api.ExternalNetworkSelectors;

/// <summary>ExternalNetworkSelectors: they select the network of a Service that names none.</summary>
[ApiController]
[AccessTarget(AccessResource.ExternalNetworkSelectors)]
[Tags("ExternalNetworkSelectors")]
[Route("v1/external-network-selectors")]
public sealed class ExternalNetworkSelectorsController(CN2DbContext db, ExternalNetworkSelectorStore store, WritePipeline writes, RequestValidation validation) : ControllerBase
{
    /// <summary>Lists ExternalNetworkSelectors.</summary>
    [HttpGet(Name = "ListExternalNetworkSelectors")]
    [ProducesResponseType<Page<ExternalNetworkSelectorResource>>(200)]
    public async Task<IActionResult> List(CancellationToken cancellationToken)
    {
        var (query, refused) = ListQuery.Read(Request);
        if (refused is not null) return new ProblemResult(refused);
        var rows = await db.ExternalNetworkSelectors.PageAsync(query!, cancellationToken);
        return Answer.Json(200, query!.ToPage(rows.ConvertAll(ExternalNetworkSelectorStore.ToResource), s => (null, s.Name)));
    }

    /// <summary>Creates an ExternalNetworkSelector.</summary>
    [HttpPost(Name = "CreateExternalNetworkSelector")]
    [ProducesResponseType<ExternalNetworkSelectorResource>(201)]
    public Task<IActionResult> Create(ExternalNetworkSelectorRequest request) =>
        writes.ExecuteAsync(HttpContext, (scope, _) => Task.FromResult(store.Create(scope, request)));

    /// <summary>Reads an ExternalNetworkSelector.</summary>
    [HttpGet("{name}", Name = "GetExternalNetworkSelector")]
    [ProducesResponseType<ExternalNetworkSelectorResource>(200)]
    public async Task<IActionResult> Get(string name, CancellationToken cancellationToken) =>
        await db.ExternalNetworkSelectors.SingleOrDefaultAsync(s => s.Name == name, cancellationToken) is { } row
            ? Answer.Resource(200, ExternalNetworkSelectorStore.ToResource(row))
            : new ProblemResult(Missing(name));

    /// <summary>Replaces an ExternalNetworkSelector, or creates it.</summary>
    [HttpPut("{name}", Name = "PutExternalNetworkSelector")]
    [ProducesResponseType<ExternalNetworkSelectorResource>(200)]
    [ProducesResponseType<ExternalNetworkSelectorResource>(201)]
    public Task<IActionResult> Put(string name, ExternalNetworkSelectorRequest request) => writes.ExecuteAsync(HttpContext, async (scope, ct) =>
    {
        if (await store.LockAsync(scope, name, ct) is { } row) return store.Replace(scope, row, request);
        return scope.CheckIfMatch(null) is { } stale ? stale : store.Create(scope, request);
    });

    /// <summary>Changes an ExternalNetworkSelector by a merge patch.</summary>
    [HttpPatch("{name}", Name = "PatchExternalNetworkSelector")]
    [ProducesResponseType<ExternalNetworkSelectorResource>(200)]
    public Task<IActionResult> Patch(string name, MergePatch patch) => writes.ExecuteAsync(HttpContext, async (scope, ct) =>
    {
        if (await store.LockAsync(scope, name, ct) is not { } row) return Missing(name);
        var (request, refused) = patch.Apply(ExternalNetworkSelectorStore.ToRequest(row), validation, HttpContext);
        return refused is not null ? refused : store.Replace(scope, row, request!);
    });

    /// <summary>Deletes an ExternalNetworkSelector; default-external cannot be deleted.</summary>
    [HttpDelete("{name}", Name = "DeleteExternalNetworkSelector")]
    [ProducesResponseType(204)]
    public Task<IActionResult> Delete(string name) =>
        writes.DeleteAsync(HttpContext, $"ExternalNetworkSelector {name}", (scope, ct) => store.LockAsync(scope, name, ct), (scope, row, ct) => Task.FromResult(store.Delete(scope, row)));

    private static ApiProblem Missing(string name) => ApiProblem.NotFound($"ExternalNetworkSelector {name}");
}
