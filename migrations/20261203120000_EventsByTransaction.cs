using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>An event knows its transaction, so that a watch of events finds what came after a position of the change feed.</summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261203120000_EventsByTransaction")]
public sealed class EventsByTransaction : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        ALTER TABLE event ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id();
        CREATE INDEX ix_event_xid ON event (xid);
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("ALTER TABLE event DROP COLUMN xid;");
}
