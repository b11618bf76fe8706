using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>
/// Why a VirtualNetwork that waits could not become a network when that was last tried, and an index by which the leading control node finds those that wait.
/// </summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261208110000_WaitingNetworks")]
public sealed class WaitingNetworks : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        ALTER TABLE kubernetes_object ADD COLUMN waits_for text;
        CREATE INDEX ix_kubernetes_object_waiting ON kubernetes_object (uid)
            WHERE resource = 'virtualnetworks.core.contrail.juniper.net' AND is_alone AND deleting_at IS NULL;
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("DROP INDEX ix_kubernetes_object_waiting; ALTER TABLE kubernetes_object DROP COLUMN waits_for;");
}
