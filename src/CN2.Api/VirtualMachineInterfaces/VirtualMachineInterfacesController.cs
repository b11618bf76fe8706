using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Http;
using CN2.Api.Writes;
using Microsoft.AspNetCore.Mvc;

namespace CN2.Api.VirtualMachineInterfaces;

/// <summary>VirtualMachineInterfaces: the endpoints, which are interfaces of pods and virtual machines on compute nodes.</summary>
[ApiController]
[AccessTarget(AccessResource.VirtualMachineInterfaces)]
[Tags("VirtualMachineInterfaces")]
[Route("v1/namespaces/{ns}/virtual-machine-interfaces")]
public sealed class VirtualMachineInterfacesController(CN2DbContext db, VirtualMachineInterfaceStore store, WritePipeline writes, RequestValidation validation) : ControllerBase
{
    /// <summary>Lists the VirtualMachineInterfaces of all namespaces.</summary>
    [HttpGet("/v1/virtual-machine-interfaces", Name = "ListAllVirtualMachineInterfaces")]
    [ProducesResponseType<Page<VirtualMachineInterfaceResource>>(200)]
    public Task<IActionResult> ListAll(CancellationToken cancellationToken) => ListIn(null, cancellationToken);

    /// <summary>Lists VirtualMachineInterfaces.</summary>
    [HttpGet(Name = "ListVirtualMachineInterfaces")]
    [ProducesResponseType<Page<VirtualMachineInterfaceResource>>(200)]
    public Task<IActionResult> List(string ns, CancellationToken cancellationToken) => ListIn(ns, cancellationToken);

    /// <summary>Creates a VirtualMachineInterface.</summary>
    [HttpPost(Name = "CreateVirtualMachineInterface")]
    [ProducesResponseType<VirtualMachineInterfaceResource>(201)]
    public Task<IActionResult> Create(string ns, VirtualMachineInterfaceRequest request) =>
        writes.ExecuteAsync(HttpContext, (scope, ct) => store.CreateAsync(scope, ns, request, ct));

    /// <summary>Creates or replaces up to 1000 VirtualMachineInterfaces in one transaction: all of them, or none.</summary>
    [HttpPost("/v1/namespaces/{ns}/virtual-machine-interfaces:batch", Name = "BatchVirtualMachineInterfaces")]
    [ProducesResponseType<VirtualMachineInterfaceBatch>(200)]
    public Task<IActionResult> Batch(string ns, VirtualMachineInterfaceBatchRequest request) =>
        writes.ExecuteAsync(HttpContext, (scope, ct) => store.BatchAsync(scope, ns, request.Items!, ct));

    /// <summary>Reads a VirtualMachineInterface.</summary>
    [HttpGet("{name}", Name = "GetVirtualMachineInterface")]
    [ProducesResponseType<VirtualMachineInterfaceResource>(200)]
    public async Task<IActionResult> Get(string ns, string name, CancellationToken cancellationToken) =>
        await VirtualMachineInterfaceTable.FindAsync(await db.OpenSqlAsync(cancellationToken), ns, name, forUpdate: false, cancellationToken) is { } row
            ? Answer.Resource(200, (await VirtualMachineInterfaceResources.ReadAsync(db, [row], cancellationToken))[0])
            : new ProblemResult(Missing(ns, name));

    /// <summary>Replaces a VirtualMachineInterface, or creates it.</summary>
    [HttpPut("{name}", Name = "PutVirtualMachineInterface")]
    [ProducesResponseType<VirtualMachineInterfaceResource>(200)]
    [ProducesResponseType<VirtualMachineInterfaceResource>(201)]
    public Task<IActionResult> Put(string ns, string name, VirtualMachineInterfaceRequest request) => writes.ExecuteAsync(HttpContext, async (scope, ct) =>
    {
        if (await store.LockAsync(scope, ns, name, ct) is { } row) return await store.ReplaceAsync(scope, row, request, ct);
        return scope.CheckIfMatch(null) is { } stale ? stale : await store.CreateAsync(scope, ns, request, ct);
    });

    /// <summary>Changes a VirtualMachineInterface by a merge patch.</summary>
    [HttpPatch("{name}", Name = "PatchVirtualMachineInterface")]
    [ProducesResponseType<VirtualMachineInterfaceResource>(200)]
    public Task<IActionResult> Patch(string ns, string name, MergePatch patch) => writes.ExecuteAsync(HttpContext, async (scope, ct) =>
    {
        if (await store.LockAsync(scope, ns, name, ct) is not { } row) return Missing(ns, name);
        var (request, refused) = patch.Apply(VirtualMachineInterfaceResources.ToRequest(row), validation, HttpContext);
        return refused is not null ? refused : await store.ReplaceAsync(scope, row, request!, ct);
    });

    /// <summary>Deletes a VirtualMachineInterface, also while Services select it.</summary>
    [HttpDelete("{name}", Name = "DeleteVirtualMachineInterface")]
    [ProducesResponseType(204)]
    public Task<IActionResult> Delete(string ns, string name) =>
        writes.DeleteAsync(HttpContext, $"VirtualMachineInterface {ns}/{name}", (scope, ct) => store.LockAsync(scope, ns, name, ct), store.DeleteAsync);

    private async Task<IActionResult> ListIn(string? ns, CancellationToken cancellationToken)
    {
        var (query, refused) = ListQuery.Read(Request);
        if (refused is not null) return new ProblemResult(refused);
        var rows = await db.VirtualMachineInterfaces.In(NamespaceScope.Of(HttpContext, ns)).NamespacedPageAsync(query!, cancellationToken);
        return Answer.Json(200, query!.ToPage(await VirtualMachineInterfaceResources.ReadAsync(db, rows, cancellationToken), v => (v.Namespace, v.Name)));
    }

    private static ApiProblem Missing(string ns, string name) => ApiProblem.NotFound($"VirtualMachineInterface {ns}/{name}");
}
