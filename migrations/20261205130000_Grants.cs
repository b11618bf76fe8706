using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>
/// What namespaces are granted (docs/contract.md §7, Tenants). The database is the referee: prefixes of two grants do not overlap, what a namespace uses
/// is counted by triggers whoever writes, and nothing comes into a namespace beyond its quota or outside of its endpoint prefixes.
/// </summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261205130000_Grants")]
public sealed class Grants : Migration
{
    /// <summary>The tables whose rows are counted, the function that counts them, and what they count as.</summary>
    private static readonly (string Table, string Function, string Resource)[] Counted =
    [
        ("service", "cn2_count_use", "services"), ("floating_ip", "cn2_count_floating_ips", "floatingIPs"), ("node_port", "cn2_count_node_ports", "nodePorts"),
        ("virtual_machine_interface", "cn2_count_use", "virtualMachineInterfaces"), ("external_network", "cn2_count_use", "externalNetworks"),
    ];

    /// <summary>The functions of the triggers that count.</summary>
    internal const string CountFunctions =
        """
        CREATE OR REPLACE FUNCTION cn2_count_use() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            r record;
        BEGIN
            FOR r IN SELECT namespace, count(*) AS n FROM changed GROUP BY namespace ORDER BY namespace LOOP
                PERFORM cn2_change_use(r.namespace, TG_ARGV[0], CASE TG_OP WHEN 'DELETE' THEN -r.n ELSE r.n END);
            END LOOP;
            RETURN NULL;
        END $$;

        -- A cluster IP belongs to its Service and counts with it.
        CREATE OR REPLACE FUNCTION cn2_count_floating_ips() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            r record;
        BEGIN
            FOR r IN SELECT namespace, count(*) AS n FROM changed WHERE external_network_uid IS NOT NULL GROUP BY namespace ORDER BY namespace LOOP
                PERFORM cn2_change_use(r.namespace, TG_ARGV[0], CASE TG_OP WHEN 'DELETE' THEN -r.n ELSE r.n END);
            END LOOP;
            RETURN NULL;
        END $$;

        CREATE OR REPLACE FUNCTION cn2_count_node_ports() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            r record;
        BEGIN
            FOR r IN SELECT s.namespace, count(*) AS n FROM changed c JOIN service s ON s.uid = c.service_uid GROUP BY s.namespace ORDER BY s.namespace LOOP
                PERFORM cn2_change_use(r.namespace, TG_ARGV[0], CASE TG_OP WHEN 'DELETE' THEN -r.n ELSE r.n END);
            END LOOP;
            RETURN NULL;
        END $$;
        """;

    protected override void Up(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.Sql(
            """
            CREATE TABLE namespace_grant (
                uid uuid CONSTRAINT pk_namespace_grant PRIMARY KEY,
                namespace text NOT NULL CONSTRAINT namespace_grant_namespace UNIQUE
                    CONSTRAINT fk_namespace_grant_namespace_namespace REFERENCES namespace (name) ON DELETE CASCADE,
                labels jsonb NOT NULL DEFAULT '{}',
                annotations jsonb NOT NULL DEFAULT '{}',
                generation bigint NOT NULL DEFAULT 1,
                created_at timestamptz NOT NULL,
                updated_at timestamptz NOT NULL,
                -- The patterns of the request.
                spec jsonb NOT NULL,
                -- Null: endpoints may have any address.
                endpoint_prefixes cidr[],
                -- Quotas; null: no limit.
                most_services int,
                most_floating_ips int,
                most_node_ports int,
                most_virtual_machine_interfaces int,
                most_external_networks int
            );
            CREATE TABLE grant_prefix (
                namespace text NOT NULL CONSTRAINT grant_prefix_grant REFERENCES namespace_grant (namespace) ON DELETE CASCADE,
                prefix cidr NOT NULL,
                CONSTRAINT grant_prefix_pkey PRIMARY KEY (namespace, prefix),
                CONSTRAINT grant_overlap EXCLUDE USING gist (namespace WITH <>, prefix inet_ops WITH &&)
            );
            -- What a namespace with a grant uses. One row for each: whoever adds to it locks that row, and a namespace without a grant has none.
            CREATE TABLE grant_use (
                namespace text CONSTRAINT grant_use_pkey PRIMARY KEY CONSTRAINT grant_use_grant REFERENCES namespace_grant (namespace) ON DELETE CASCADE,
                services bigint NOT NULL,
                floating_ips bigint NOT NULL,
                node_ports bigint NOT NULL,
                virtual_machine_interfaces bigint NOT NULL,
                external_networks bigint NOT NULL
            ) WITH (fillfactor = 50);

            -- Counts what came (p_count above 0) or went. The row of the namespace is locked against a grant that begins now: it counts what is there
            -- after this transaction (cn2_begin_use), or this transaction sees it.
            CREATE FUNCTION cn2_change_use(p_namespace text, p_resource text, p_count bigint) RETURNS void LANGUAGE plpgsql AS $$
            DECLARE
                used grant_use;
                had bigint;
                most int;
            BEGIN
                PERFORM 1 FROM namespace WHERE name = p_namespace FOR KEY SHARE;
                UPDATE grant_use SET
                    services = services + CASE p_resource WHEN 'services' THEN p_count ELSE 0 END,
                    floating_ips = floating_ips + CASE p_resource WHEN 'floatingIPs' THEN p_count ELSE 0 END,
                    node_ports = node_ports + CASE p_resource WHEN 'nodePorts' THEN p_count ELSE 0 END,
                    virtual_machine_interfaces = virtual_machine_interfaces + CASE p_resource WHEN 'virtualMachineInterfaces' THEN p_count ELSE 0 END,
                    external_networks = external_networks + CASE p_resource WHEN 'externalNetworks' THEN p_count ELSE 0 END
                    WHERE namespace = p_namespace RETURNING * INTO used;
                IF NOT FOUND OR p_count < 0 THEN RETURN; END IF;
                SELECT CASE p_resource
                        WHEN 'services' THEN g.most_services WHEN 'floatingIPs' THEN g.most_floating_ips WHEN 'nodePorts' THEN g.most_node_ports
                        WHEN 'virtualMachineInterfaces' THEN g.most_virtual_machine_interfaces ELSE g.most_external_networks END,
                    p_count * -1 + CASE p_resource
                        WHEN 'services' THEN used.services WHEN 'floatingIPs' THEN used.floating_ips WHEN 'nodePorts' THEN used.node_ports
                        WHEN 'virtualMachineInterfaces' THEN used.virtual_machine_interfaces ELSE used.external_networks END
                    INTO most, had FROM namespace_grant g WHERE g.namespace = p_namespace;
                IF had + p_count > most THEN
                    RAISE EXCEPTION '% of Namespace %: % used', p_resource, p_namespace, had
                        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'grant_quota', TABLE = p_namespace, COLUMN = p_resource, HINT = had || ' ' || most || ' ' || p_count;
                END IF;
            END $$;

            -- Counts what a namespace has when its grant begins. Its row is locked (FOR UPDATE) by the caller, so nobody is on the way in or out.
            CREATE FUNCTION cn2_begin_use(p_namespace text) RETURNS void LANGUAGE plpgsql AS $$
            BEGIN
                INSERT INTO grant_use (namespace, services, floating_ips, node_ports, virtual_machine_interfaces, external_networks) SELECT p_namespace,
                    (SELECT count(*) FROM service WHERE namespace = p_namespace),
                    (SELECT count(*) FROM floating_ip WHERE namespace = p_namespace AND external_network_uid IS NOT NULL),
                    (SELECT count(*) FROM node_port n JOIN service s ON s.uid = n.service_uid WHERE s.namespace = p_namespace),
                    (SELECT count(*) FROM virtual_machine_interface WHERE namespace = p_namespace),
                    (SELECT count(*) FROM external_network WHERE namespace = p_namespace);
            END $$;

            CREATE FUNCTION cn2_refuse_ungranted_endpoint() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE
                r record;
            BEGIN
                SELECT host(c.address) AS address, g.namespace, g.endpoint_prefixes INTO r
                    FROM changed c JOIN virtual_machine_interface v ON v.uid = c.interface_uid JOIN namespace_grant g ON g.namespace = v.namespace
                    WHERE g.endpoint_prefixes IS NOT NULL AND NOT c.address <<= ANY (g.endpoint_prefixes) ORDER BY c.address LIMIT 1;
                IF FOUND THEN
                    RAISE EXCEPTION '% is outside of what Namespace % is granted', r.address, r.namespace
                        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'endpoint_is_granted', TABLE = r.namespace, COLUMN = r.address, HINT = array_to_string(r.endpoint_prefixes, ', ');
                END IF;
                RETURN NULL;
            END $$;
            CREATE TRIGGER refuse_ungranted AFTER INSERT ON interface_address REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION cn2_refuse_ungranted_endpoint();

            -- Writers that allocate know from the catalog which namespaces have a grant.
            CREATE TRIGGER catalog_changed AFTER INSERT OR DELETE OR UPDATE ON namespace_grant FOR EACH STATEMENT EXECUTE FUNCTION cn2_catalog_changed();
            """);
        migrationBuilder.Sql(CountFunctions);
        foreach (var (table, function, resource) in Counted)
        {
            migrationBuilder.Sql(
                $"""
                CREATE TRIGGER count_added AFTER INSERT ON {table} REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION {function}('{resource}');
                CREATE TRIGGER count_gone AFTER DELETE ON {table} REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION {function}('{resource}');
                """);
        }
    }

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        DROP FUNCTION cn2_count_use, cn2_count_floating_ips, cn2_count_node_ports, cn2_refuse_ungranted_endpoint CASCADE;
        DROP FUNCTION cn2_change_use, cn2_begin_use;
        DROP TABLE grant_use, grant_prefix, namespace_grant;
        """);
}
