using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>
/// What the versions of the Kubernetes API are made of (docs/adr/0011-the-kubernetes-front.md): the newest change of a resource is found by its
/// uid, and each change remembers which transactions were still running (every one from <c>horizon</c> on may have been). Rows of before have no
/// horizon; the versions of a server that is not there yet need none.
/// </summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261202100000_ObjectVersions")]
public sealed class ObjectVersions : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        ALTER TABLE change ADD COLUMN horizon xid8;
        ALTER TABLE change ALTER COLUMN horizon SET DEFAULT pg_snapshot_xmin(pg_current_snapshot());
        CREATE INDEX ix_change_uid_xid ON change (uid, xid);
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        "DROP INDEX ix_change_uid_xid; ALTER TABLE change DROP COLUMN horizon;");
}
