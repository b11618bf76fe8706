using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>
/// How often an endpoint has gone down lately, and until when it is held back for it. Replicas of the version before do not hold it back.
/// </summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261129110000_FlappingEndpoints")]
public sealed class FlappingEndpoints : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        ALTER TABLE virtual_machine_interface
            ADD COLUMN health_downs integer NOT NULL DEFAULT 0,
            ADD COLUMN health_down_at timestamp with time zone,
            ADD COLUMN health_held_until timestamp with time zone;
        CREATE INDEX ix_virtual_machine_interface_health_held_until ON virtual_machine_interface (health_held_until) WHERE health_held_until IS NOT NULL;
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        ALTER TABLE virtual_machine_interface DROP COLUMN health_downs, DROP COLUMN health_down_at, DROP COLUMN health_held_until;
        """);
}
