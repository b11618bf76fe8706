using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>
/// A Pod and a VirtualMachineInterface that is not its own never have one name, also when both are created at once: Pods take their name alone, interfaces
/// together with other interfaces. The locks are of 64 groups of names of a namespace, because the server has room for only some thousands.
/// </summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261204100000_NamesOfPods")]
public sealed class NamesOfPods : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        -- Whoever creates a Pod with its interface takes the name before the interface is inserted, so that it never waits for a stronger lock than it has.
        CREATE FUNCTION cn2_take_pod_name(p_namespace text, p_name text) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtext(p_namespace), hashtext(p_name) & 63);
        END $$;

        CREATE FUNCTION cn2_refuse_pod_of_interface() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM cn2_take_pod_name(NEW.namespace, NEW.name);
            IF EXISTS (SELECT FROM virtual_machine_interface WHERE namespace = NEW.namespace AND name = NEW.name AND uid <> NEW.uid) THEN
                RAISE EXCEPTION 'VirtualMachineInterface %/%', NEW.namespace, NEW.name USING ERRCODE = 'unique_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'pod_has_its_name_alone';
            END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER refuse_pod_of_interface AFTER INSERT ON kubernetes_object FOR EACH ROW WHEN (NEW.resource = 'pods') EXECUTE FUNCTION cn2_refuse_pod_of_interface();

        CREATE FUNCTION cn2_refuse_interface_of_pod() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan TO off SET enable_hashjoin TO off SET enable_mergejoin TO off AS $$
        DECLARE
            pod text;
        BEGIN
            PERFORM pg_advisory_xact_lock_shared(t.ns, t.part) FROM (SELECT DISTINCT hashtext(namespace) AS ns, hashtext(name) & 63 AS part FROM added ORDER BY 1, 2) t;
            SELECT o.namespace || '/' || o.name INTO pod FROM added a
                JOIN kubernetes_object o ON o.resource = 'pods' AND o.namespace = a.namespace AND o.name = a.name AND o.uid <> a.uid LIMIT 1;
            IF FOUND THEN
                RAISE EXCEPTION 'Pod %', pod USING ERRCODE = 'unique_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'pod_has_its_name_alone';
            END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER refuse_interface_of_pod AFTER INSERT ON virtual_machine_interface REFERENCING NEW TABLE AS added
            FOR EACH STATEMENT EXECUTE FUNCTION cn2_refuse_interface_of_pod();
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        "DROP FUNCTION cn2_refuse_pod_of_interface() CASCADE; DROP FUNCTION cn2_refuse_interface_of_pod() CASCADE; DROP FUNCTION cn2_take_pod_name(text, text);");
}
