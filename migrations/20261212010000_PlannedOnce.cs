using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>
/// Functions that every request or every round of the control loop calls are planned once for each connection. PostgreSQL plans a function in SQL
/// anew in each statement that calls it, and it took the deletion of free node ports for cheaper when it is planned in each call.
/// </summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261212010000_PlannedOnce")]
public sealed class PlannedOnce : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        CREATE OR REPLACE FUNCTION feed_server() RETURNS text STABLE LANGUAGE plpgsql AS $$
        BEGIN
            RETURN CASE WHEN pg_is_in_recovery() THEN NULL
                ELSE (SELECT system_identifier FROM pg_control_system()) || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8) END;
        END $$;
        ALTER FUNCTION cn2_take_node_ports(int[], int[]) SET plan_cache_mode = force_generic_plan;
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        ALTER FUNCTION cn2_take_node_ports(int[], int[]) RESET plan_cache_mode;
        CREATE OR REPLACE FUNCTION feed_server() RETURNS text STABLE LANGUAGE sql AS $$
            SELECT CASE WHEN pg_is_in_recovery() THEN NULL
                ELSE (SELECT system_identifier FROM pg_control_system()) || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8) END
        $$;
        """);
}
