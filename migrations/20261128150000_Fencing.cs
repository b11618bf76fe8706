using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>
/// What a control node says about itself: whether its engine ends with it (<c>engine_bound</c>), and what <c>GET /v1/control-nodes</c> shows.
/// A replica of an earlier version writes none of it, and the defaults are the careful answers.
/// </summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261128150000_Fencing")]
public sealed class Fencing : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        ALTER TABLE control_node
            ADD COLUMN engine_bound boolean NOT NULL DEFAULT false,
            ADD COLUMN engine_running boolean NOT NULL DEFAULT false,
            ADD COLUMN leader boolean NOT NULL DEFAULT false,
            ADD COLUMN address inet,
            ADD COLUMN version text NOT NULL DEFAULT '',
            ADD COLUMN feed_held_back_by text,
            ADD COLUMN feed_behind_seconds double precision NOT NULL DEFAULT 0;
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        ALTER TABLE control_node
            DROP COLUMN engine_bound, DROP COLUMN engine_running, DROP COLUMN leader, DROP COLUMN address, DROP COLUMN version,
            DROP COLUMN feed_held_back_by, DROP COLUMN feed_behind_seconds;
        """);
}
