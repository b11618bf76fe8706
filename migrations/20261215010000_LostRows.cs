using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>
/// A fail-over or a restore of the database may have lost rows that a control node wrote (<c>control_node.rows_lost</c>), until it writes that it knows. One whose process and engine have both
/// ended meanwhile cannot trust what the rows say of its routers. Control nodes of the version before read nothing of it.
/// </summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261215010000_LostRows")]
public sealed class LostRows : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        "ALTER TABLE control_node ADD COLUMN rows_lost boolean NOT NULL DEFAULT false;");

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("ALTER TABLE control_node DROP COLUMN rows_lost;");
}
