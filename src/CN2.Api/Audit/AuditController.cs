using System.Globalization;
using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Http;
using Microsoft.AspNetCore.Mvc;

namespace CN2.Api.Audit;

/// <summary>The audit log: who wrote what, and what was refused. It is kept for 90 days by default.</summary>
[ApiController]
[Tags("Audit")]
[AccessTarget(AccessResource.AuditLog)]
public sealed class AuditController(CN2DbContext db) : ControllerBase
{
    /// <summary>Lists writes and refusals, the newest first. An entry of a write is there exactly when the write is.</summary>
    [HttpGet("v1/audit", Name = "ListAudit")]
    [ProducesResponseType<Page<AuditEntryBody>>(200)]
    public async Task<IActionResult> List(CancellationToken cancellationToken)
    {
        var (query, refused) = AuditQuery.Read(Request);
        if (refused is not null) return new ProblemResult(refused);
        var found = await AuditTable.ReadAsync(await db.OpenSqlAsync(cancellationToken), query!, cancellationToken);
        var page = query!.Page.ToPage(found, e => (e.Entry.At.UtcTicks.ToString(CultureInfo.InvariantCulture), e.Id.ToString(CultureInfo.InvariantCulture)));
        return Answer.Json(200, new Page<AuditEntryBody>([.. page.Items.Select(i => i.Entry)], page.NextCursor));
    }
}
