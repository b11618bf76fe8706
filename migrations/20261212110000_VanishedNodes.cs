using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>
/// When a node was last found gone by agents of other nodes (<c>vanished_at</c>). It counts while its agent was not seen since, so a control node of the
/// version before, which does not know the column, makes it void by what it writes anyway.
/// </summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261212110000_VanishedNodes")]
public sealed class VanishedNodes : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        "ALTER TABLE virtual_router_status ADD COLUMN vanished_at timestamp with time zone;");

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        "ALTER TABLE virtual_router_status DROP COLUMN vanished_at;");
}
