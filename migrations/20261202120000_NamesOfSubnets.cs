using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>
/// Which VirtualNetworks name a Subnet is found by index; and namespace <c>contrail</c> exists, in which CN2 has its BGPRouters and its Kubemanager.
/// </summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261202120000_NamesOfSubnets")]
public sealed class NamesOfSubnets : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        CREATE INDEX ix_kubernetes_object_v4_subnet ON kubernetes_object ((document #>> '{spec,v4SubnetReference,name}')) WHERE resource = 'virtualnetworks.core.contrail.juniper.net';
        CREATE INDEX ix_kubernetes_object_v6_subnet ON kubernetes_object ((document #>> '{spec,v6SubnetReference,name}')) WHERE resource = 'virtualnetworks.core.contrail.juniper.net';
        INSERT INTO namespace (uid, name, labels, annotations, generation, created_at, updated_at)
            VALUES ('01900000-0000-7000-8000-000000000003', 'contrail', '{}', '{}', 1, now(), now()) ON CONFLICT DO NOTHING;
        """);

    protected override void Down(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql("DROP INDEX ix_kubernetes_object_v4_subnet, ix_kubernetes_object_v6_subnet;");
}
