using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>
/// Whether something on a vRouter's node itself stops its traffic: the document that its agent's report makes (<c>forwarding</c>), its status alone
/// (<c>forwards</c>: True, False, Unknown), and since when that is so. All null: the agent does not look.
/// </summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261210010000_NodeForwarding")]
public sealed class NodeForwarding : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        ALTER TABLE virtual_router_status
            ADD COLUMN forwarding text,
            ADD COLUMN forwards text,
            ADD COLUMN forwards_since timestamp with time zone;
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        "ALTER TABLE virtual_router_status DROP COLUMN forwarding, DROP COLUMN forwards, DROP COLUMN forwards_since;");
}
