using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>Who leads, until when: at most one row. The fence rises each time the leadership changes hands.</summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261128120000_LeaderLeaseTable")]
public sealed class LeaderLeaseTable : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        CREATE TABLE leader_lease (
            singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
            control_node text NOT NULL, run uuid NOT NULL, fence bigint NOT NULL, renewed_at timestamptz NOT NULL, expires_at timestamptz NOT NULL
        );
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("DROP TABLE leader_lease;");
}
