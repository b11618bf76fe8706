using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>
/// The counts of what namespaces use (<see cref="Grants"/>) cost one look where no namespace concerned has a grant. A grant cannot begin unseen in between: it locks its
/// namespace (FOR UPDATE), which is locked FOR KEY SHARE by the foreign key of every row that comes; where there is none, it is locked here, before the look.
/// </summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261206100000_CheaperCounts")]
public sealed class CheaperCounts : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        CREATE OR REPLACE FUNCTION cn2_count_use() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            namespaces text[];
            r record;
        BEGIN
            SELECT array_agg(DISTINCT namespace) INTO namespaces FROM changed;
            IF TG_OP = 'DELETE' THEN PERFORM 1 FROM namespace WHERE name = ANY (namespaces) ORDER BY name FOR KEY SHARE; END IF;
            IF NOT EXISTS (SELECT FROM grant_use WHERE namespace = ANY (namespaces)) THEN RETURN NULL; END IF;
            FOR r IN SELECT namespace, count(*) AS n FROM changed GROUP BY namespace ORDER BY namespace LOOP
                PERFORM cn2_change_use(r.namespace, TG_ARGV[0], CASE TG_OP WHEN 'DELETE' THEN -r.n ELSE r.n END);
            END LOOP;
            RETURN NULL;
        END $$;

        CREATE OR REPLACE FUNCTION cn2_count_floating_ips() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            namespaces text[];
            r record;
        BEGIN
            SELECT array_agg(DISTINCT namespace) INTO namespaces FROM changed WHERE external_network_uid IS NOT NULL;
            IF TG_OP = 'DELETE' THEN PERFORM 1 FROM namespace WHERE name = ANY (namespaces) ORDER BY name FOR KEY SHARE; END IF;
            IF NOT EXISTS (SELECT FROM grant_use WHERE namespace = ANY (namespaces)) THEN RETURN NULL; END IF;
            FOR r IN SELECT namespace, count(*) AS n FROM changed WHERE external_network_uid IS NOT NULL GROUP BY namespace ORDER BY namespace LOOP
                PERFORM cn2_change_use(r.namespace, TG_ARGV[0], CASE TG_OP WHEN 'DELETE' THEN -r.n ELSE r.n END);
            END LOOP;
            RETURN NULL;
        END $$;

        -- The Service of a node port locks the namespace only in the transaction that makes it.
        CREATE OR REPLACE FUNCTION cn2_count_node_ports() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            namespaces text[];
            r record;
        BEGIN
            SELECT array_agg(DISTINCT s.namespace) INTO namespaces FROM service s WHERE s.uid = ANY (ARRAY(SELECT service_uid FROM changed));
            PERFORM 1 FROM namespace WHERE name = ANY (namespaces) ORDER BY name FOR KEY SHARE;
            IF NOT EXISTS (SELECT FROM grant_use WHERE namespace = ANY (namespaces)) THEN RETURN NULL; END IF;
            FOR r IN SELECT s.namespace, count(*) AS n FROM changed c JOIN service s ON s.uid = c.service_uid GROUP BY s.namespace ORDER BY s.namespace LOOP
                PERFORM cn2_change_use(r.namespace, TG_ARGV[0], CASE TG_OP WHEN 'DELETE' THEN -r.n ELSE r.n END);
            END LOOP;
            RETURN NULL;
        END $$;
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(Grants.CountFunctions);
}
