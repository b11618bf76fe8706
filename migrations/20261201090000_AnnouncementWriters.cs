using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>The number of a control node's last write of its announcement rows: an earlier write that arrives later changes nothing.</summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261201090000_AnnouncementWriters")]
public sealed class AnnouncementWriters : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        "CREATE TABLE announcement_writer (control_node text PRIMARY KEY, last_write bigint NOT NULL);");

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("DROP TABLE announcement_writer;");
}
