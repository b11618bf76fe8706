using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>
/// What all agents of a control node have applied, in one row (<c>agents_applied</c>): a change for all nodes then costs a row for each control node, and not one for each
/// agent. It belongs to the process that was started last (<c>run</c>). Control nodes of the version before neither write nor read it: they follow the agents' own rows, which are still written.
/// </summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261214010000_AgentsApplied")]
public sealed class AgentsApplied : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        "CREATE TABLE agents_applied (control_node text PRIMARY KEY, run uuid NOT NULL, position text NOT NULL, behind text[] NOT NULL);");

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        "DROP TABLE agents_applied;");
}
