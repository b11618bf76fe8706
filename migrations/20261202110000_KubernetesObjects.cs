using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>What is kept of objects of the Kubernetes API beside their resources (docs/adr/0011-the-kubernetes-front.md). A row goes with its resource.</summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261202110000_KubernetesObjects")]
public sealed class KubernetesObjects : Migration
{
    /// <summary>Tables whose rows are resources of <c>/v1</c>.</summary>
    private static readonly string[] Resources =
    [
        "namespace", "service", "floating_ip", "external_network", "external_network_selector", "virtual_machine_interface", "virtual_router", "bgp_router", "service_health_check",
    ];

    protected override void Up(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.Sql(
            """
            CREATE TABLE kubernetes_object (
                resource text NOT NULL,
                uid uuid NOT NULL,
                namespace text NOT NULL,
                name text NOT NULL,
                document json NOT NULL,
                is_alone boolean NOT NULL,
                generation bigint NOT NULL,
                created_at timestamptz NOT NULL,
                deleting_at timestamptz,
                CONSTRAINT pk_kubernetes_object PRIMARY KEY (resource, uid)
            );
            CREATE UNIQUE INDEX ix_kubernetes_object_namespace_name ON kubernetes_object (resource, namespace, name);
            CREATE INDEX ix_kubernetes_object_deleting ON kubernetes_object (uid) WHERE deleting_at IS NOT NULL;
            -- The primary key begins with the resource; this index is for the trigger.
            CREATE INDEX ix_kubernetes_object_uid ON kubernetes_object (uid);

            CREATE FUNCTION cn2_forget_kubernetes_objects() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                DELETE FROM kubernetes_object o USING gone g WHERE o.uid = g.uid;
                RETURN NULL;
            END $$;
            """);
        foreach (var table in Resources)
        {
            migrationBuilder.Sql(
                $"""
                 CREATE TRIGGER {table}_forgets_kubernetes_objects AFTER DELETE ON {table} REFERENCING OLD TABLE AS gone
                     FOR EACH STATEMENT EXECUTE FUNCTION cn2_forget_kubernetes_objects();
                 """);
        }
    }

    protected override void Down(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql("DROP FUNCTION cn2_forget_kubernetes_objects() CASCADE; DROP TABLE kubernetes_object;");
}
