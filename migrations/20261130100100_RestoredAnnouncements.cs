using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>Another control node has written announcement rows for this one after a fail-over that lost them: it makes them true at its next heartbeat.</summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261130100100_RestoredAnnouncements")]
public sealed class RestoredAnnouncements : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        "ALTER TABLE control_node ADD COLUMN rows_restored boolean NOT NULL DEFAULT false;");

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("ALTER TABLE control_node DROP COLUMN rows_restored;");
}
