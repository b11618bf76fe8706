using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>
/// The audit log. Every write of a user adds a row in its own transaction, so the table has one index that grows at its end, by time, and one that costs nothing
/// to add to: a range of blocks that has no row of the caller or the namespace is passed over.
/// </summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261205121000_Audit")]
public sealed class Audit : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        CREATE TABLE audit (
            at timestamptz NOT NULL,
            id bigint GENERATED ALWAYS AS IDENTITY,
            caller_kind text NOT NULL,
            caller text NOT NULL,
            source inet,
            request_id text NOT NULL,
            method text NOT NULL,
            path text NOT NULL,
            verb text NOT NULL,
            resource text,
            namespace text,
            name text,
            uid uuid,
            generation bigint,
            status smallint NOT NULL,
            code text,
            dry_run boolean NOT NULL,
            changes text[],
            repeated integer NOT NULL,
            CONSTRAINT pk_audit PRIMARY KEY (at, id)
        );
        CREATE INDEX ix_audit_caller_namespace ON audit USING brin (caller text_bloom_ops, namespace text_bloom_ops);
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("DROP TABLE audit;");
}
