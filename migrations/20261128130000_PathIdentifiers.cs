using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>
/// By which numbers routers know the paths of an announcement (path → ADD-PATH identifier, RFC 7911). A row of an older server has none.
/// </summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261128130000_PathIdentifiers")]
public sealed class PathIdentifiers : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        "ALTER TABLE advertisement ADD COLUMN path_ids jsonb NOT NULL DEFAULT '{}';");

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        "ALTER TABLE advertisement DROP COLUMN path_ids;");
}
