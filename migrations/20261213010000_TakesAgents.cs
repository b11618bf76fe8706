using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>
/// Whether a control node takes agents (<c>takes_agents</c>): it writes that it is alive before it has read everything. One of the version before, which does not
/// know the column, takes them.
/// </summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261213010000_TakesAgents")]
public sealed class TakesAgents : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        "ALTER TABLE control_node ADD COLUMN takes_agents boolean NOT NULL DEFAULT true;");

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        "ALTER TABLE control_node DROP COLUMN takes_agents;");
}
