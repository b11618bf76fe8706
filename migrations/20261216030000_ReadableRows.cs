using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>
/// Values that no server writes and none can read are refused by the database: times that a DateTimeOffset cannot hold, and a NULL among the addresses of an endpoint. One such row, written by hand, kept
/// every list of its table from being read. Rows that stand are not looked at.
/// </summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261216030000_ReadableRows")]
public sealed class ReadableRows : Migration
{
    /// <summary>The times that every resource has.</summary>
    private const string Times =
        """
        SELECT table_name, column_name, table_name || '_' || column_name || '_range' AS name FROM information_schema.columns
        WHERE table_schema = current_schema() AND column_name IN ('created_at', 'updated_at', 'deleting_at') AND data_type = 'timestamp with time zone'
        """;

    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        $$"""
        DO $$
        DECLARE t record;
        BEGIN
            FOR t IN {{Times}} LOOP
                EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I CHECK (%I >= ''1970-01-01 00:00:00+00'' AND %I < ''9999-12-31 00:00:00+00'') NOT VALID', t.table_name, t.name, t.column_name, t.column_name);
            END LOOP;
        END $$;
        ALTER TABLE virtual_machine_interface ADD CONSTRAINT virtual_machine_interface_addresses_known
            CHECK (cardinality(addresses) = cardinality(array_remove(addresses, NULL))) NOT VALID;
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        $$"""
        DO $$
        DECLARE t record;
        BEGIN
            FOR t IN {{Times}} LOOP
                EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I', t.table_name, t.name);
            END LOOP;
        END $$;
        ALTER TABLE virtual_machine_interface DROP CONSTRAINT virtual_machine_interface_addresses_known;
        """);
}
