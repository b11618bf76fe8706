using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Http;
using CN2.Api.Writes;
using CN2.Network.Addressing;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace CN2.Api.FloatingIPs;

/// <summary>FloatingIPs: addresses in use. Those that a Service allocated are read-only; a user can reserve others.</summary>
[ApiController]
[AccessTarget(AccessResource.FloatingIPs)]
[Tags("FloatingIPs")]
[Route("v1")]
public sealed class FloatingIPsController(CN2DbContext db, FloatingIPStore store, FloatingIPResources resources, WritePipeline writes, RequestValidation validation) : ControllerBase
{
    /// <summary>Lists the FloatingIPs of all namespaces. With <c>address</c>, only those with this address.</summary>
    [HttpGet("floating-ips", Name = "ListAllFloatingIPs")]
    [ProducesResponseType<Page<FloatingIPResource>>(200)]
    public Task<IActionResult> ListAll(CancellationToken cancellationToken) => ListAsync(null, cancellationToken);

    /// <summary>Lists the FloatingIPs of a namespace.</summary>
    [HttpGet("namespaces/{ns}/floating-ips", Name = "ListFloatingIPs")]
    [ProducesResponseType<Page<FloatingIPResource>>(200)]
    public Task<IActionResult> List(string ns, CancellationToken cancellationToken) => ListAsync(ns, cancellationToken);

    /// <summary>Reserves a FloatingIP.</summary>
    [HttpPost("namespaces/{ns}/floating-ips", Name = "CreateFloatingIP")]
    [ProducesResponseType<FloatingIPResource>(201)]
    public async Task<IActionResult> Create(string ns, FloatingIPRequest request)
    {
        var answer = await writes.ExecuteAsync(HttpContext, (scope, ct) => store.CreateAsync(scope, ns, request, ct));
        return answer is ProblemResult { Problem.Code: ProblemCodes.AlreadyExists }
            && await db.FloatingIPs.AnyAsync(f => f.Namespace == ns && f.Name == request.Name && f.DeletingAt != null, HttpContext.RequestAborted)
            ? new ProblemResult(ApiProblem.BeingDeleted($"FloatingIP {ns}/{request.Name}"))
            : answer;
    }

    /// <summary>Reads a FloatingIP.</summary>
    [HttpGet("namespaces/{ns}/floating-ips/{name}", Name = "GetFloatingIP")]
    [ProducesResponseType<FloatingIPResource>(200)]
    public async Task<IActionResult> Get(string ns, string name, CancellationToken cancellationToken)
    {
        var connection = await db.OpenSqlAsync(cancellationToken);
        return await FloatingIPTable.FindAsync(connection, ns, name, forUpdate: false, cancellationToken) is { } row
            ? Answer.Resource(200, (await resources.ReadAsync(connection, [row], cancellationToken))[0]) : new ProblemResult(Missing(ns, name));
    }

    /// <summary>Replaces a reserved FloatingIP, to attach or detach it, or reserves it. Its address and network cannot be changed.</summary>
    [HttpPut("namespaces/{ns}/floating-ips/{name}", Name = "PutFloatingIP")]
    [ProducesResponseType<FloatingIPResource>(200)]
    [ProducesResponseType<FloatingIPResource>(201)]
    public Task<IActionResult> Put(string ns, string name, FloatingIPRequest request) => writes.ExecuteAsync(HttpContext, async (scope, ct) =>
    {
        if (await store.LockAsync(scope, ns, name, ct) is { } row) return await store.ReplaceAsync(scope, row, request, ct);
        return scope.CheckIfMatch(null) is { } stale ? stale : await store.CreateAsync(scope, ns, request, ct);
    });

    /// <summary>Changes a reserved FloatingIP by a merge patch.</summary>
    [HttpPatch("namespaces/{ns}/floating-ips/{name}", Name = "PatchFloatingIP")]
    [ProducesResponseType<FloatingIPResource>(200)]
    public Task<IActionResult> Patch(string ns, string name, MergePatch patch) => writes.ExecuteAsync(HttpContext, async (scope, ct) =>
    {
        if (await store.LockAsync(scope, ns, name, ct) is not { } row) return Missing(ns, name);
        var (request, refused) = patch.Apply(await store.ToRequestAsync(scope, row, ct), validation, HttpContext);
        return refused is not null ? refused : await store.ReplaceAsync(scope, row, request!, ct);
    });

    /// <summary>Deletes a reserved FloatingIP. While it still has routes or NAT entries, its state is Deleting (202).</summary>
    [HttpDelete("namespaces/{ns}/floating-ips/{name}", Name = "DeleteFloatingIP")]
    [ProducesResponseType<FloatingIPResource>(202)]
    [ProducesResponseType(204)]
    public Task<IActionResult> Delete(string ns, string name) =>
        writes.DeleteAsync(HttpContext, $"FloatingIP {ns}/{name}", (scope, ct) => store.LockAsync(scope, ns, name, ct), store.DeleteAsync);

    private static ApiProblem Missing(string ns, string name) => ApiProblem.NotFound($"FloatingIP {ns}/{name}");

    private async Task<IActionResult> ListAsync(string? ns, CancellationToken cancellationToken)
    {
        var (query, refused) = ListQuery.Read(Request, "address");
        if (refused is not null) return new ProblemResult(refused);
        var rows = db.FloatingIPs.In(NamespaceScope.Of(HttpContext, ns));
        if (Request.Query["address"] is { Count: > 0 } text)
        {
            if (!AddressSyntax.TryParseAddress(text.ToString(), out var address, out var error)) return new ProblemResult(ApiProblem.Validation("address", error));
            // By subnet and address, which the unique constraint has an index for.
            var subnets = await db.Subnets.Where(s => EF.Functions.ContainsOrEqual(s.Cidr, address)).Select(s => s.Id).ToListAsync(cancellationToken);
            rows = rows.Where(f => subnets.Contains(f.SubnetId) && f.Address == address);
        }

        var page = await rows.NamespacedPageAsync(query!, cancellationToken);
        var items = await resources.ReadAsync(await db.OpenSqlAsync(cancellationToken), page, cancellationToken);
        return Answer.Json(200, query!.ToPage(items, f => (f.Namespace, f.Name)));
    }
}
