using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>
/// Nothing new comes into a namespace that is being deleted, and an object that lives alone is in a namespace that exists. The trigger runs after the
/// foreign key's, so a namespace that another transaction marks has been waited for.
/// </summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261203100000_NamespacesBeingDeleted")]
public sealed class NamespacesBeingDeleted : Migration
{
    /// <summary>Tables with rows that users bring into a namespace.</summary>
    private static readonly (string Table, string When)[] Users =
    [
        ("service", ""), ("floating_ip", "WHEN (NEW.service_uid IS NULL)"), ("external_network", ""), ("virtual_machine_interface", ""), ("service_health_check", ""),
        ("kubernetes_object", "WHEN (NEW.is_alone AND NEW.namespace <> '')"),
    ];

    protected override void Up(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.Sql(
            """
            DELETE FROM kubernetes_object o WHERE is_alone AND namespace <> '' AND NOT EXISTS (SELECT FROM namespace n WHERE n.name = o.namespace);
            ALTER TABLE kubernetes_object
                ADD COLUMN namespace_alone text GENERATED ALWAYS AS (CASE WHEN is_alone THEN nullif(namespace, '') END) STORED,
                ADD CONSTRAINT fk_kubernetes_object_namespace_namespace FOREIGN KEY (namespace_alone) REFERENCES namespace (name) ON DELETE RESTRICT;
            CREATE INDEX ix_kubernetes_object_namespace_alone ON kubernetes_object (namespace_alone) WHERE namespace_alone IS NOT NULL;

            CREATE FUNCTION cn2_refuse_in_namespace_being_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF EXISTS (SELECT FROM kubernetes_object WHERE resource = 'namespaces' AND namespace = '' AND name = NEW.namespace AND deleting_at IS NOT NULL) THEN
                    RAISE EXCEPTION 'Namespace % is being deleted', NEW.namespace
                        USING ERRCODE = 'integrity_constraint_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'namespace_is_not_being_deleted';
                END IF;
                RETURN NULL;
            END $$;
            """);
        foreach (var (table, when) in Users)
        {
            migrationBuilder.Sql(
                $"CREATE TRIGGER refuse_in_namespace_being_deleted AFTER INSERT ON {table} FOR EACH ROW {when} EXECUTE FUNCTION cn2_refuse_in_namespace_being_deleted();");
        }
    }

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        "DROP FUNCTION cn2_refuse_in_namespace_being_deleted() CASCADE; ALTER TABLE kubernetes_object DROP COLUMN namespace_alone;");
}
