using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>Which control node is opening a new session with a router on purpose, so that the others keep theirs meanwhile.</summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261129120000_SessionTurns")]
public sealed class SessionTurns : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        CREATE TABLE session_turn (
            router_address text PRIMARY KEY, control_node text NOT NULL, taken_at timestamptz NOT NULL, expires_at timestamptz NOT NULL
        );
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("DROP TABLE session_turn;");
}
