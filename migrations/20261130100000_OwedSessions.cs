using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>Which routers a control node must give a new session, because they may keep paths that were withdrawn while they were away.</summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261130100000_OwedSessions")]
public sealed class OwedSessions : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        CREATE TABLE owed_session (control_node text NOT NULL, router_address text NOT NULL, PRIMARY KEY (control_node, router_address));
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("DROP TABLE owed_session;");
}
