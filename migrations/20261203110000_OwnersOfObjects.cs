using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>
/// Objects of the Kubernetes API belong to others (<c>metadata.ownerReferences</c>). <c>owners_unchecked</c>: somebody must look whether an owner is
/// left; it is set by every write of a document with owners, and by the deletion of an owner, through whichever door.
/// </summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261203110000_OwnersOfObjects")]
public sealed class OwnersOfObjects : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        ALTER TABLE kubernetes_object ADD COLUMN owners text[], ADD COLUMN owners_unchecked boolean NOT NULL DEFAULT false;
        CREATE INDEX ix_kubernetes_object_owners ON kubernetes_object USING gin (owners) WHERE owners IS NOT NULL;
        CREATE INDEX ix_kubernetes_object_owners_unchecked ON kubernetes_object (uid) WHERE owners_unchecked;

        CREATE FUNCTION cn2_set_owners() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.owners = (SELECT array_agg(r ->> 'uid') FROM json_array_elements(NEW.document #> '{metadata,ownerReferences}') r);
            NEW.owners_unchecked = NEW.owners IS NOT NULL;
            RETURN NEW;
        END $$;
        CREATE TRIGGER set_owners BEFORE INSERT OR UPDATE OF document ON kubernetes_object FOR EACH ROW
            WHEN (NEW.owners IS NOT NULL OR json_typeof(NEW.document #> '{metadata,ownerReferences}') = 'array') EXECUTE FUNCTION cn2_set_owners();
        UPDATE kubernetes_object SET document = document WHERE json_typeof(document #> '{metadata,ownerReferences}') = 'array';

        CREATE FUNCTION cn2_check_owners() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE kubernetes_object SET owners_unchecked = true WHERE owners && ARRAY[OLD.uid::text];
            RETURN NULL;
        END $$;
        CREATE TRIGGER check_owners AFTER DELETE ON kubernetes_object FOR EACH ROW WHEN (OLD.is_alone) EXECUTE FUNCTION cn2_check_owners();

        CREATE OR REPLACE FUNCTION cn2_forget_kubernetes_objects() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan TO off SET enable_hashjoin TO off SET enable_mergejoin TO off AS $$
        BEGIN
            DELETE FROM kubernetes_object o USING gone g WHERE o.uid = g.uid;
            UPDATE kubernetes_object o SET owners_unchecked = true FROM gone g WHERE o.owners && ARRAY[g.uid::text];
            RETURN NULL;
        END $$;
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        CREATE OR REPLACE FUNCTION cn2_forget_kubernetes_objects() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            DELETE FROM kubernetes_object o USING gone g WHERE o.uid = g.uid;
            RETURN NULL;
        END $$;
        DROP FUNCTION cn2_set_owners() CASCADE;
        DROP FUNCTION cn2_check_owners() CASCADE;
        ALTER TABLE kubernetes_object DROP COLUMN owners, DROP COLUMN owners_unchecked;
        """);
}
