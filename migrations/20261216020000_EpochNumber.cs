using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>
/// How many epochs the feed has had (<c>feed_epoch.number</c>): above 1, a fail-over or a restore of the database may have lost also the row of a control node, which then enters as a new one.
/// </summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261216020000_EpochNumber")]
public sealed class EpochNumber : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        "ALTER TABLE feed_epoch ADD COLUMN number integer NOT NULL DEFAULT 1;");

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("ALTER TABLE feed_epoch DROP COLUMN number;");
}
