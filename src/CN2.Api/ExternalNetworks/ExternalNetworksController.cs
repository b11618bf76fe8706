using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Http;
using CN2.Api.Writes;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace CN2.Api.ExternalNetworks;

/// <summary>ExternalNetworks: the pools of addresses that external routers can reach.</summary>
[ApiController]
[AccessTarget(AccessResource.ExternalNetworks)]
[Tags("ExternalNetworks")]
[Route("v1")]
public sealed class ExternalNetworksController(
    CN2DbContext db, ExternalNetworkStore store, ExternalNetworkResources resources, RoutingInstanceRoutes routes, WritePipeline writes, RequestValidation validation)
    : ControllerBase
{
    /// <summary>Lists the ExternalNetworks of all namespaces that the caller may see, and those that these may use.</summary>
    [HttpGet("external-networks", Name = "ListAllExternalNetworks")]
    [ProducesResponseType<Page<ExternalNetworkResource>>(200)]
    public Task<IActionResult> ListAll(CancellationToken cancellationToken) => ListAsync(null, cancellationToken);

    /// <summary>Lists the ExternalNetworks of a namespace.</summary>
    [HttpGet("namespaces/{ns}/external-networks", Name = "ListExternalNetworks")]
    [ProducesResponseType<Page<ExternalNetworkResource>>(200)]
    public Task<IActionResult> List(string ns, CancellationToken cancellationToken) => ListAsync(ns, cancellationToken);

    /// <summary>Creates an ExternalNetwork.</summary>
    [HttpPost("namespaces/{ns}/external-networks", Name = "CreateExternalNetwork")]
    [ProducesResponseType<ExternalNetworkResource>(201)]
    public Task<IActionResult> Create(string ns, ExternalNetworkRequest request) =>
        writes.ExecuteAsync(HttpContext, (scope, ct) => store.CreateAsync(scope, ns, request, ct));

    /// <summary>Reads an ExternalNetwork. One of another namespace is shown to those whose namespaces may use it.</summary>
    [HttpGet("namespaces/{ns}/external-networks/{name}", Name = "GetExternalNetwork")]
    [ProducesResponseType<ExternalNetworkResource>(200)]
    public async Task<IActionResult> Get(string ns, string name, CancellationToken cancellationToken)
    {
        var rights = CallerRights.Of(HttpContext);
        var mayRead = rights.In(ns) is not null;
        var visible = await db.VisibleAsync(NamespaceScope.Of(rights, mayRead ? ns : null), cancellationToken);
        var rows = await visible.Where(n => n.Namespace == ns && n.Name == name).ToListAsync(cancellationToken);
        if (await resources.ReadAsync(await db.OpenSqlAsync(cancellationToken), rows, cancellationToken) is [var resource]) return Answer.Resource(200, resource.Shown(rights));
        return new ProblemResult(mayRead ? Missing(ns, name) : ApiProblem.Forbidden(Caller.Of(HttpContext), AccessVerb.Get, AccessResource.ExternalNetworks, ns));
    }

    /// <summary>Replaces an ExternalNetwork, or creates it. Addresses in use can be neither removed nor reserved.</summary>
    [HttpPut("namespaces/{ns}/external-networks/{name}", Name = "PutExternalNetwork")]
    [ProducesResponseType<ExternalNetworkResource>(200)]
    [ProducesResponseType<ExternalNetworkResource>(201)]
    public Task<IActionResult> Put(string ns, string name, ExternalNetworkRequest request) => writes.ExecuteAsync(HttpContext, async (scope, ct) =>
    {
        if (await store.LockAsync(scope, ns, name, ct) is { } row) return await store.ReplaceAsync(scope, row, request, ct);
        return scope.CheckIfMatch(null) is { } stale ? stale : await store.CreateAsync(scope, ns, request, ct);
    });

    /// <summary>Changes an ExternalNetwork by a merge patch; a list is replaced as a whole.</summary>
    [HttpPatch("namespaces/{ns}/external-networks/{name}", Name = "PatchExternalNetwork")]
    [ProducesResponseType<ExternalNetworkResource>(200)]
    public Task<IActionResult> Patch(string ns, string name, MergePatch patch) => writes.ExecuteAsync(HttpContext, async (scope, ct) =>
    {
        if (await store.LockAsync(scope, ns, name, ct) is not { } row) return Missing(ns, name);
        var (request, refused) = patch.Apply(ExternalNetworkResources.ToRequest(row), validation, HttpContext);
        return refused is not null ? refused : await store.ReplaceAsync(scope, row, request!, ct);
    });

    /// <summary>Deletes an ExternalNetwork that has no FloatingIPs.</summary>
    [HttpDelete("namespaces/{ns}/external-networks/{name}", Name = "DeleteExternalNetwork")]
    [ProducesResponseType(204)]
    public Task<IActionResult> Delete(string ns, string name) =>
        writes.DeleteAsync(HttpContext, $"ExternalNetwork {ns}/{name}", (scope, ct) => store.LockAsync(scope, ns, name, ct), store.DeleteAsync);

    /// <summary>
    /// Lists the routes of an ExternalNetwork's RoutingInstance, sorted by prefix: its own, and those that this control node imported from routers.
    /// A network in the underlay has only its own routes.
    /// </summary>
    [AccessTarget(AccessResource.NetworkRoutes)]
    [HttpGet("namespaces/{ns}/external-networks/{name}/routes", Name = "ListExternalNetworkRoutes")]
    [ProducesResponseType<Page<RoutingInstanceRoute>>(200)]
    public async Task<IActionResult> ListRoutes(string ns, string name, CancellationToken cancellationToken)
    {
        var (query, refused) = ListQuery.Read(Request);
        if (refused is not null) return new ProblemResult(refused);
        if (query!.Selector is not null) return new ProblemResult(ApiProblem.Validation("labelSelector", "means nothing here: routes have no labels"));
        if (await db.ExternalNetworks.SingleOrDefaultAsync(n => n.Namespace == ns && n.Name == name, cancellationToken) is not { } row) return new ProblemResult(Missing(ns, name));
        var (page, wrong) = await routes.ReadAsync(await db.OpenSqlAsync(cancellationToken), row, query, cancellationToken);
        return wrong is not null ? new ProblemResult(wrong) : Answer.Json(200, page!);
    }

    private static ApiProblem Missing(string ns, string name) => ApiProblem.NotFound($"ExternalNetwork {ns}/{name}");

    private async Task<IActionResult> ListAsync(string? ns, CancellationToken cancellationToken)
    {
        var (query, refused) = ListQuery.Read(Request);
        if (refused is not null) return new ProblemResult(refused);
        var rights = CallerRights.Of(HttpContext);
        var visible = await db.VisibleAsync(NamespaceScope.Of(rights, ns), cancellationToken);
        var rows = await visible.NamespacedPageAsync(query!, cancellationToken);
        var items = await resources.ReadAsync(await db.OpenSqlAsync(cancellationToken), rows, cancellationToken);
        return Answer.Json(200, query!.ToPage([.. items.Select(n => n.Shown(rights))], n => (n.Namespace, n.Name)));
    }
}
