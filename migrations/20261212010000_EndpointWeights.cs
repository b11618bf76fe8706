using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>
/// The weight of an endpoint: its share of the new flows in proportion to the other endpoints. Control nodes of the version before write none, so what they create
/// has 1 and what they change keeps its own.
/// </summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261212010000_EndpointWeights")]
public sealed class EndpointWeights : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        ALTER TABLE virtual_machine_interface ADD COLUMN weight integer NOT NULL DEFAULT 1
            CONSTRAINT virtual_machine_interface_weight_range CHECK (weight BETWEEN 1 AND 100);
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("ALTER TABLE virtual_machine_interface DROP COLUMN weight;");
}
