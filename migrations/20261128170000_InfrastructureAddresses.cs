using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>
/// The addresses of VirtualRouters, BgpRouters, control nodes and the database server are never those of a FloatingIP (docs/contract.md §3).
/// </summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261128170000_InfrastructureAddresses")]
public sealed class InfrastructureAddresses : Migration
{
    /// <summary>cn2_set_infrastructure.</summary>
    internal const string SetFunction =
        """
        -- Sets the addresses of one owner; answers a FloatingIP that holds a new one ('100.0.0.9 is held by FloatingIP ns1/web'), or null.
        -- With p_refuse such an address is refused. Without, it is noted all the same: it is not given a second time. Loopback is left out.
        CREATE OR REPLACE FUNCTION cn2_set_infrastructure(p_kind text, p_name text, p_addresses inet[], p_refuse boolean) RETURNS text LANGUAGE plpgsql AS $$
        DECLARE
            had inet[];
            wanted inet[];
            fresh inet[];
            gone inet[];
            holder text;
        BEGIN
            SELECT coalesce(array_agg(DISTINCT a), '{}') INTO wanted FROM (SELECT host(u)::inet AS a FROM unnest(p_addresses) u WHERE u IS NOT NULL) s
                WHERE NOT (a <<= inet '127.0.0.0/8' OR a = inet '::1');
            SELECT coalesce(array_agg(address), '{}') INTO had FROM infrastructure_address WHERE kind = p_kind AND name = p_name;
            SELECT coalesce(array_agg(a), '{}') INTO fresh FROM unnest(wanted) a WHERE a <> ALL (had);
            SELECT coalesce(array_agg(a), '{}') INTO gone FROM unnest(had) a WHERE a <> ALL (wanted);
            IF cardinality(fresh) + cardinality(gone) = 0 THEN RETURN NULL; END IF;

            -- Excludes refills and givers-back (FOR SHARE there) of the subnets that get an address back. Before the lock on the table,
            -- as in a transaction that takes an asked-for address.
            IF cardinality(gone) > 0 THEN
                PERFORM 1 FROM subnet s WHERE EXISTS (SELECT FROM unnest(gone) a WHERE s.cidr >>= a) ORDER BY s.id FOR NO KEY UPDATE;
            END IF;
            -- Excludes those who insert FloatingIPs (ROW SHARE in cn2_refuse_infrastructure): they see what is noted here, or are seen here.
            LOCK TABLE infrastructure_address IN EXCLUSIVE MODE;
            SELECT host(f.address) || ' is held by FloatingIP ' || f.namespace || '/' || f.name INTO holder
                FROM unnest(fresh) a JOIN subnet s ON s.cidr >>= a JOIN floating_ip f ON f.subnet_id = s.id AND f.address = a LIMIT 1;
            IF p_refuse AND holder IS NOT NULL THEN
                RAISE EXCEPTION '%', holder USING ERRCODE = 'exclusion_violation', TABLE = 'infrastructure_address', CONSTRAINT = 'infrastructure_address_is_no_floating_ip';
            END IF;
            INSERT INTO infrastructure_address (kind, name, address) SELECT p_kind, p_name, a FROM unnest(fresh) a ON CONFLICT DO NOTHING;
            -- SKIP LOCKED: who is taking such an address now waits for this transaction, and is refused.
            DELETE FROM free_address WHERE ctid = ANY (ARRAY(
                SELECT f.ctid FROM unnest(fresh) a JOIN subnet s ON s.cidr >>= a JOIN free_address f ON f.subnet_id = s.id AND f.address = a
                FOR UPDATE OF f SKIP LOCKED));

            DELETE FROM infrastructure_address WHERE kind = p_kind AND name = p_name AND address = ANY (gone);
            INSERT INTO free_address (subnet_id, address)
                SELECT s.id, a FROM unnest(gone) a JOIN subnet s ON s.cidr >>= a
                WHERE EXISTS (SELECT FROM subnet_range r WHERE r.subnet_id = s.id AND a BETWEEN r.first AND r.filled_to)
                  AND NOT EXISTS (SELECT FROM infrastructure_address i WHERE i.address = a)
                  AND NOT EXISTS (SELECT FROM floating_ip f WHERE f.subnet_id = s.id AND f.address = a)
                ON CONFLICT DO NOTHING;
            RETURN holder;
        END $$;
        """;

    /// <summary>cn2_refuse_infrastructure and its trigger.</summary>
    internal const string RefuseFunction =
        """
        CREATE FUNCTION cn2_refuse_infrastructure() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            taken inet;
        BEGIN
            LOCK TABLE infrastructure_address IN ROW SHARE MODE;
            SELECT i.address INTO taken FROM added n JOIN infrastructure_address i ON i.address = n.address LIMIT 1;
            IF FOUND THEN
                RAISE EXCEPTION '% is an address of the infrastructure', host(taken)
                    USING ERRCODE = 'exclusion_violation', TABLE = 'floating_ip', CONSTRAINT = 'floating_ip_is_no_infrastructure_address';
            END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER refuse_infrastructure AFTER INSERT ON floating_ip REFERENCING NEW TABLE AS added
            FOR EACH STATEMENT EXECUTE FUNCTION cn2_refuse_infrastructure();
        """;

    protected override void Up(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.Sql(
            """
            -- Whose address it is: kind VirtualRouter, BgpRouter or ControlNode with its name; Database with the control node that uses it.
            CREATE TABLE infrastructure_address (
                kind text NOT NULL,
                name text NOT NULL,
                address inet NOT NULL,
                CONSTRAINT pk_infrastructure_address PRIMARY KEY (address, kind, name)
            );
            CREATE INDEX ix_infrastructure_address_kind_name ON infrastructure_address (kind, name);
            """);
        migrationBuilder.Sql(SetFunction);
        migrationBuilder.Sql(RefuseFunction);
        migrationBuilder.Sql(
            """
            CREATE FUNCTION cn2_virtual_router_infrastructure() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF TG_OP = 'DELETE' THEN PERFORM cn2_set_infrastructure('VirtualRouter', OLD.name, '{}', true);
                ELSE PERFORM cn2_set_infrastructure('VirtualRouter', NEW.name, ARRAY[NEW.address, NEW.address6], true);
                END IF;
                RETURN NULL;
            END $$;
            CREATE TRIGGER infrastructure AFTER INSERT OR UPDATE OF address, address6 OR DELETE ON virtual_router
                FOR EACH ROW EXECUTE FUNCTION cn2_virtual_router_infrastructure();

            CREATE FUNCTION cn2_bgp_router_infrastructure() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF TG_OP = 'DELETE' THEN PERFORM cn2_set_infrastructure('BgpRouter', OLD.name, '{}', true);
                ELSE PERFORM cn2_set_infrastructure('BgpRouter', NEW.name, ARRAY[NEW.address], true);
                END IF;
                RETURN NULL;
            END $$;
            CREATE TRIGGER infrastructure AFTER INSERT OR UPDATE OF address OR DELETE ON bgp_router
                FOR EACH ROW EXECUTE FUNCTION cn2_bgp_router_infrastructure();

            -- What a control node notes (InfrastructureStore) goes with it.
            CREATE FUNCTION cn2_control_node_infrastructure() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                PERFORM cn2_set_infrastructure('ControlNode', OLD.name, '{}', false);
                PERFORM cn2_set_infrastructure('Database', OLD.name, '{}', false);
                RETURN NULL;
            END $$;
            CREATE TRIGGER infrastructure AFTER DELETE ON control_node
                FOR EACH ROW EXECUTE FUNCTION cn2_control_node_infrastructure();

            -- What exists. A FloatingIP that has such an address keeps it.
            INSERT INTO infrastructure_address (kind, name, address)
                SELECT 'VirtualRouter', name, address FROM virtual_router
                UNION SELECT 'VirtualRouter', name, address6 FROM virtual_router WHERE address6 IS NOT NULL
                UNION SELECT 'BgpRouter', name, address FROM bgp_router;
            DELETE FROM free_address f USING infrastructure_address i WHERE i.address = f.address;
            """);
        migrationBuilder.Sql(PoolFunctions());
    }

    protected override void Down(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.Sql(PoolFunctions("", ""));
        migrationBuilder.Sql(
            """
            DROP FUNCTION cn2_refuse_infrastructure, cn2_virtual_router_infrastructure, cn2_bgp_router_infrastructure, cn2_control_node_infrastructure,
                cn2_set_infrastructure CASCADE;
            DROP TABLE infrastructure_address;
            """);
    }

    /// <summary>cn2_refill and cn2_release_addresses: what is the infrastructure's does not become free.</summary>
    internal static string PoolFunctions() => PoolFunctions(
        "AND NOT EXISTS (SELECT FROM infrastructure_address i WHERE i.address = s.a)", "AND NOT EXISTS (SELECT FROM infrastructure_address i WHERE i.address = g.address)");

    /// <summary>The same functions of the migration Constraints, each with one condition more on what becomes free.</summary>
    private static string PoolFunctions(string filled, string released) =>
        $$"""
        CREATE OR REPLACE FUNCTION cn2_refill(p_subnet int, p_want int) RETURNS int LANGUAGE plpgsql AS $$
        DECLARE
            r record;
            start inet;
            stop inet;
            added int;
            total int := 0;
        BEGIN
            -- Excludes other refills, changes of the ranges, and (FOR SHARE there) givers-back, whose address would otherwise be
            -- seen as held here and as not yet filled there, and be lost.
            PERFORM 1 FROM subnet WHERE id = p_subnet FOR NO KEY UPDATE;
            FOR r IN SELECT first, last, filled_to FROM subnet_range
                     WHERE subnet_id = p_subnet AND (filled_to IS NULL OR filled_to < last) ORDER BY first
            LOOP
                start := coalesce(r.filled_to + 1, r.first);
                WHILE total < p_want LOOP
                    SELECT max(a) INTO stop FROM (SELECT start + i AS a FROM generate_series(0, 1023) i) s WHERE a <= r.last;
                    INSERT INTO free_address (subnet_id, address)
                        SELECT p_subnet, a FROM (SELECT start + i AS a FROM generate_series(0, 1023) i) s
                        WHERE a <= stop
                          AND NOT EXISTS (SELECT FROM floating_ip f WHERE f.subnet_id = p_subnet AND f.address = s.a) {{filled}}
                        ON CONFLICT DO NOTHING;
                    GET DIAGNOSTICS added = ROW_COUNT;
                    total := total + added;
                    UPDATE subnet_range SET filled_to = stop WHERE subnet_id = p_subnet AND first = r.first;
                    EXIT WHEN stop = r.last;
                    start := stop + 1;
                END LOOP;
                EXIT WHEN total >= p_want;
            END LOOP;
            RETURN total;
        END $$;
        CREATE OR REPLACE FUNCTION cn2_release_addresses() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM 1 FROM subnet WHERE id IN (SELECT subnet_id FROM gone) ORDER BY id FOR SHARE;
            INSERT INTO free_address (subnet_id, address)
                SELECT g.subnet_id, g.address FROM gone g
                WHERE EXISTS (SELECT FROM subnet_range r
                              WHERE r.subnet_id = g.subnet_id AND g.address BETWEEN r.first AND r.filled_to) {{released}}
                ON CONFLICT DO NOTHING;
            RETURN NULL;
        END $$;
        """;
}
