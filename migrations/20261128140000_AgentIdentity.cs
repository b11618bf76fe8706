using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>
/// What an agent refuses alone (<c>refused</c>), by what an agent is known again, since when a vRouter is held or lost, and agents that were
/// refused because of their name or address.
/// </summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261128140000_AgentIdentity")]
public sealed class AgentIdentity : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        ALTER TABLE virtual_router_status
            ADD COLUMN refused text,
            ADD COLUMN agent_instance text,
            ADD COLUMN agent_source inet,
            ADD COLUMN agent_connection bigint NOT NULL DEFAULT 0,
            ADD COLUMN held_at timestamp with time zone,
            ADD COLUMN lost_at timestamp with time zone;
        CREATE TABLE virtual_router_intruder (
            uid uuid NOT NULL CONSTRAINT fk_virtual_router_intruder_virtual_router_uid REFERENCES virtual_router (uid) ON DELETE CASCADE,
            reason text NOT NULL,
            message text NOT NULL,
            since timestamp with time zone NOT NULL,
            last_at timestamp with time zone NOT NULL,
            CONSTRAINT pk_virtual_router_intruder PRIMARY KEY (uid, reason));
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        DROP TABLE virtual_router_intruder;
        ALTER TABLE virtual_router_status
            DROP COLUMN refused, DROP COLUMN agent_instance, DROP COLUMN agent_source, DROP COLUMN agent_connection, DROP COLUMN held_at, DROP COLUMN lost_at;
        """);
}
