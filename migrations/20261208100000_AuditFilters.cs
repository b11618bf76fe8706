using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>
/// The audit log by name, resource and id of the request. As for caller and namespace, a range of blocks without such a row is passed over. A range has some thousand rows, and nearly
/// as many ids and names, which the default of the operator class does not reckon with. The filters of all columns of an index must fit one page (8 kB): of the resource, and from
/// now on of caller and namespace, smaller ones, because whoever writes can choose many.
/// </summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261208100000_AuditFilters")]
public sealed class AuditFilters : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        CREATE INDEX ix_audit_request_id ON audit USING brin (request_id text_bloom_ops (n_distinct_per_range = 4000));
        CREATE INDEX ix_audit_name_resource ON audit USING brin (name text_bloom_ops (n_distinct_per_range = 4000), resource text_bloom_ops (n_distinct_per_range = 64));
        DROP INDEX ix_audit_caller_namespace;
        CREATE INDEX ix_audit_caller_namespace ON audit USING brin (caller text_bloom_ops (n_distinct_per_range = 1000), namespace text_bloom_ops (n_distinct_per_range = 1000));
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        DROP INDEX ix_audit_request_id, ix_audit_name_resource, ix_audit_caller_namespace;
        CREATE INDEX ix_audit_caller_namespace ON audit USING brin (caller text_bloom_ops, namespace text_bloom_ops);
        """);
}
