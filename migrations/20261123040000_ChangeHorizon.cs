using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>How far retention has eaten into the change feed: a watch that resumes from before it must begin again (410).</summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261123040000_ChangeHorizon")]
public sealed class ChangeHorizon : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        CREATE TABLE change_horizon (singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton), xid xid8 NOT NULL, id bigint NOT NULL);
        INSERT INTO change_horizon (xid, id) VALUES ('0', 0);
        CREATE INDEX ix_change_at ON change (at);
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        "DROP TABLE change_horizon; DROP INDEX ix_change_at;");
}
