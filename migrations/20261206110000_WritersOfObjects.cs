using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>
/// Whether an operator answers for what an object of the Kubernetes API asks for: a VirtualNetwork and its Subnets may be written by different callers, and
/// the write that makes a network of them must not give it more than each of them may. Of objects of before nobody knows, so their namespace needs a grant.
/// </summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261206110000_WritersOfObjects")]
public sealed class WritersOfObjects : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("ALTER TABLE kubernetes_object ADD COLUMN by_operator boolean NOT NULL DEFAULT false");

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("ALTER TABLE kubernetes_object DROP COLUMN by_operator");
}
