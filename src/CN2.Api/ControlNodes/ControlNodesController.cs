using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Writes;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace CN2.Api.ControlNodes;

/// <summary>ControlNodes: the replicas of CN2.Api, each with a BGP engine. A replica appears by itself when it starts.</summary>
[ApiController]
[AccessTarget(AccessResource.ControlNodes)]
[Tags("ControlNodes")]
[Route("v1/control-nodes")]
public sealed class ControlNodesController(CN2DbContext db, WritePipeline writes) : ControllerBase
{
    /// <summary>Lists ControlNodes.</summary>
    [HttpGet(Name = "ListControlNodes")]
    [ProducesResponseType<Page<ControlNodeBody>>(200)]
    public async Task<IActionResult> List(CancellationToken cancellationToken)
    {
        var (query, refused) = ListQuery.Read(Request);
        if (refused is not null) return new ProblemResult(refused);
        if (query!.Selector is not null) return new ProblemResult(ApiProblem.Validation("labelSelector", "means nothing here: control nodes have no labels"));
        var rows = db.ControlNodes.AsQueryable();
        if (query.After is var (_, last)) rows = rows.Where(n => string.Compare(n.Name, last) > 0);
        var found = await Shown(rows.OrderBy(n => n.Name).Take(query.Limit + 1)).ToListAsync(cancellationToken);
        return Answer.Json(200, query.ToPage(found.ConvertAll(n => ToBody(n.Row, n.Alive)), n => (null, n.Name)));
    }

    /// <summary>Reads a ControlNode.</summary>
    [HttpGet("{name}", Name = "GetControlNode")]
    [ProducesResponseType<ControlNodeBody>(200)]
    public async Task<IActionResult> Get(string name, CancellationToken cancellationToken) =>
        await Shown(db.ControlNodes.Where(n => n.Name == name)).SingleOrDefaultAsync(cancellationToken) is { } found
            ? Answer.Json(200, ToBody(found.Row, found.Alive))
            : new ProblemResult(ControlNodeRemoval.Missing(name));

    /// <summary>Declares a ControlNode that is not alive dead.</summary>
    /// <remarks>
    /// What it announced counts as gone from then on, and addresses that waited for it become free. First make sure that its gobgpd is
    /// stopped: while that lives, routers send traffic for these addresses to the old nodes.
    /// </remarks>
    [HttpDelete("{name}", Name = "DeleteControlNode")]
    [ProducesResponseType(204)]
    public Task<IActionResult> Delete(string name) => writes.ExecuteAsync(HttpContext, (scope, ct) => ControlNodeRemoval.DeclareDeadAsync(scope, name, ct));

    private IQueryable<ShownControlNode> Shown(IQueryable<ControlNodeRow> rows)
    {
        var alive = db.ControlNodes.Where(ControlNodeLiveness.IsAliveRow);
        return rows.Select(n => new ShownControlNode(n, alive.Any(a => a.Name == n.Name)));
    }

    private static ControlNodeBody ToBody(ControlNodeRow row, bool alive) => new(
        row.Name,
        row.Address?.ToString(),
        new ControlNodeStatus(
            alive, alive && row.Leader, row.LastSeenAt, row.EngineRunning ? "Running" : "Away", row.Version, new ControlNodeFeed(row.FeedHeldBackBy, row.FeedBehindSeconds)));

    private sealed record ShownControlNode(ControlNodeRow Row, bool Alive);
}
