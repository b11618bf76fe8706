using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>
/// Positions in the feed are snapshots within an epoch (docs/adr/0009-feed-positions-are-snapshots.md). Columns are only added, so that
/// replicas of the version before go on: <c>change_horizon.xid</c> and <c>applied_position</c> are still written.
/// </summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261128160000_FeedEpoch")]
public sealed class FeedEpoch : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        -- Which server in which history this is; null on a standby. pg_control_checkpoint() tells the timeline only after the first checkpoint on it.
        CREATE FUNCTION feed_server() RETURNS text STABLE LANGUAGE sql AS $$
            SELECT CASE WHEN pg_is_in_recovery() THEN NULL
                ELSE (SELECT system_identifier FROM pg_control_system()) || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8) END
        $$;
        CREATE TABLE feed_epoch (
            singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton), epoch uuid NOT NULL, server text NOT NULL, written_by xid8 NOT NULL, begun_at timestamptz NOT NULL);
        INSERT INTO feed_epoch (epoch, server, written_by, begun_at) VALUES (gen_random_uuid(), feed_server(), pg_current_xact_id(), now());
        CREATE TABLE feed_snapshot (at timestamptz NOT NULL, snapshot text NOT NULL);
        CREATE INDEX ix_feed_snapshot_at ON feed_snapshot (at);
        ALTER TABLE change_horizon ADD COLUMN snapshot text;
        ALTER TABLE virtual_router_status ADD COLUMN applied_snapshot text;
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        ALTER TABLE virtual_router_status DROP COLUMN applied_snapshot;
        ALTER TABLE change_horizon DROP COLUMN snapshot;
        DROP TABLE feed_snapshot;
        DROP TABLE feed_epoch;
        DROP FUNCTION feed_server();
        """);
}
