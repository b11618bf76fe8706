using CN2.Api.Data;
using CN2.Api.Http;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using Npgsql;

namespace CN2.Api.Writes;

/// <summary>
/// One attempt of one write: a context and connection inside one transaction. A decision may run more than once (deadlock, lost
/// race), each time with a fresh scope: it must keep nothing outside.
/// </summary>
public sealed class WriteScope
{
    internal WriteScope(CN2DbContext db, HttpContext http, DateTimeOffset now, bool dryRun)
    {
        Db = db;
        Http = http;
        Now = now;
        DryRun = dryRun;
        Changes = new ChangeWriter(db);
    }

    /// <summary>Rows read through it are tracked only when asked for with <c>AsTracking()</c>. Saved by the pipeline at the end.</summary>
    public CN2DbContext Db { get; }

    public HttpContext Http { get; }

    /// <summary>createdAt and updatedAt of whatever is written; microseconds, as PostgreSQL keeps them.</summary>
    public DateTimeOffset Now { get; }

    public bool DryRun { get; }

    public ChangeWriter Changes { get; }

    /// <summary>The same transaction for plain SQL.</summary>
    public NpgsqlConnection Connection => (NpgsqlConnection)Db.Database.GetDbConnection();

    public NpgsqlTransaction Transaction => (NpgsqlTransaction)Db.Database.CurrentTransaction!.GetDbTransaction();

    /// <summary>The If-Match of this request against a generation (null: no such resource); null: go on.</summary>
    public ApiProblem? CheckIfMatch(long? generation) => EntityTag.Check(Http.Request, generation);
}
