using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>
/// Endpoints, FloatingIPs of underlay networks and cluster IPs share a routing table, so none of them has the address of another; and no
/// endpoint has an address of the infrastructure (docs/contract.md §7). What has such an address already keeps it.
/// </summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261129100000_EndpointAddresses")]
public sealed class EndpointAddresses : Migration
{
    /// <summary>
    /// Settings of functions that a write calls: an index lookup always. A session keeps a plan that was made while the tables were small. Before
    /// PostgreSQL 18 a plan that cannot do without a scan has a cost beyond all bounds, which calls the JIT compiler.
    /// </summary>
    internal const string IndexOnly = "SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off";

    protected override void Up(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.Sql("CREATE INDEX ix_interface_address_address ON interface_address (address);");
        migrationBuilder.Sql(Pools);
        migrationBuilder.Sql(FloatingIPReferee);
        migrationBuilder.Sql(EndpointReferee);
        migrationBuilder.Sql(ScopeReferee);
        migrationBuilder.Sql(Infrastructure);
        migrationBuilder.Sql("DELETE FROM free_address WHERE cn2_is_blocked(subnet_id, address);");
    }

    protected override void Down(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.Sql(
            """
            DROP FUNCTION cn2_refuse_floating_ip, cn2_refuse_endpoint, cn2_endpoint_gone, cn2_scope_added, cn2_scope_gone CASCADE;
            DROP INDEX ix_interface_address_address;
            """);
        migrationBuilder.Sql(InfrastructureAddresses.SetFunction);
        migrationBuilder.Sql(InfrastructureAddresses.RefuseFunction);
        migrationBuilder.Sql(InfrastructureAddresses.PoolFunctions());
        migrationBuilder.Sql(
            """
            DROP FUNCTION cn2_give_back, cn2_take_out, cn2_is_blocked, cn2_is_shared;
            -- What was passed over is filled in again.
            DELETE FROM free_address;
            UPDATE subnet_range SET filled_to = NULL;
            """);
    }

    internal const string Pools =
        $$"""
        -- Whether addresses of the subnet are in the routing table that endpoints are in: those of overlay networks are not.
        CREATE FUNCTION cn2_is_shared(p_subnet int) RETURNS boolean LANGUAGE plpgsql STABLE {{IndexOnly}} AS $$
        BEGIN
            RETURN EXISTS (SELECT FROM subnet_scope WHERE subnet_id = p_subnet AND scope IN ('underlay', 'service'));
        END $$;

        -- Whether somebody other than a FloatingIP has the address, so that it is not handed out.
        CREATE FUNCTION cn2_is_blocked(p_subnet int, p_address inet) RETURNS boolean LANGUAGE plpgsql STABLE {{IndexOnly}} AS $$
        BEGIN
            RETURN EXISTS (SELECT FROM infrastructure_address WHERE address = p_address)
                OR ((EXISTS (SELECT FROM interface_address WHERE address = p_address)
                     OR EXISTS (SELECT FROM subnet WHERE external_network_uid IS NULL AND cidr >>= p_address AND id <> p_subnet)) AND cn2_is_shared(p_subnet));
        END $$;

        -- Gives addresses that nobody has back to the pools of these subnets. The caller has locked the subnets (FOR NO KEY UPDATE or stronger):
        -- of two who leave the same address, the second sees that the first has gone.
        CREATE FUNCTION cn2_give_back(p_subnets int[], p_addresses inet[]) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO free_address (subnet_id, address)
                SELECT s.id, a FROM unnest(p_addresses) a JOIN subnet s ON s.id = ANY (p_subnets) AND s.cidr >>= a
                WHERE EXISTS (SELECT FROM subnet_range r WHERE r.subnet_id = s.id AND a BETWEEN r.first AND r.filled_to)
                  AND NOT EXISTS (SELECT FROM floating_ip f WHERE f.subnet_id = s.id AND f.address = a)
                  AND NOT cn2_is_blocked(s.id, a)
                ON CONFLICT DO NOTHING;
        END $$;

        -- Takes addresses out of the pools of these subnets. SKIP LOCKED: who is taking one now waits for this transaction, and is refused.
        CREATE FUNCTION cn2_take_out(p_subnets int[], p_addresses inet[]) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            DELETE FROM free_address WHERE ctid = ANY (ARRAY(
                SELECT f.ctid FROM unnest(p_addresses) a JOIN subnet s ON s.id = ANY (p_subnets) AND s.cidr >>= a
                    JOIN free_address f ON f.subnet_id = s.id AND f.address = a
                FOR UPDATE OF f SKIP LOCKED));
        END $$;

        CREATE OR REPLACE FUNCTION cn2_release_addresses() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM 1 FROM subnet WHERE id IN (SELECT subnet_id FROM gone) ORDER BY id FOR SHARE;
            INSERT INTO free_address (subnet_id, address)
                SELECT g.subnet_id, g.address FROM gone g
                WHERE EXISTS (SELECT FROM subnet_range r
                              WHERE r.subnet_id = g.subnet_id AND g.address BETWEEN r.first AND r.filled_to)
                  AND NOT cn2_is_blocked(g.subnet_id, g.address)
                ON CONFLICT DO NOTHING;
            RETURN NULL;
        END $$;

        CREATE OR REPLACE FUNCTION cn2_refill(p_subnet int, p_want int) RETURNS int LANGUAGE plpgsql AS $$
        DECLARE
            r record;
            start inet;
            stop inet;
            beyond inet;
            shared boolean;
            added int;
            total int := 0;
        BEGIN
            -- Excludes other refills, changes of the ranges, and (FOR SHARE there) givers-back, whose address would otherwise be
            -- seen as held here and as not yet filled there, and be lost.
            PERFORM 1 FROM subnet WHERE id = p_subnet FOR NO KEY UPDATE;
            shared := cn2_is_shared(p_subnet);
            FOR r IN SELECT first, last, filled_to FROM subnet_range
                     WHERE subnet_id = p_subnet AND (filled_to IS NULL OR filled_to < last) ORDER BY first
            LOOP
                start := coalesce(r.filled_to + 1, r.first);
                WHILE total < p_want LOOP
                    -- Addresses of the service network are passed over in one step: there may be a million of them.
                    SELECT least(host(broadcast(s.cidr))::inet, r.last) INTO stop
                        FROM subnet s WHERE s.external_network_uid IS NULL AND s.cidr >>= start AND s.id <> p_subnet AND shared;
                    IF NOT FOUND THEN
                        SELECT min(host(network(s.cidr))::inet) INTO beyond
                            FROM subnet s WHERE s.external_network_uid IS NULL AND host(network(s.cidr))::inet > start AND s.id <> p_subnet AND shared;
                        SELECT max(a) INTO stop FROM (SELECT start + i AS a FROM generate_series(0, 1023) i) s WHERE a <= r.last AND (beyond IS NULL OR a < beyond);
                        INSERT INTO free_address (subnet_id, address)
                            SELECT p_subnet, a FROM (SELECT start + i AS a FROM generate_series(0, 1023) i) s
                            WHERE a <= stop
                              AND NOT EXISTS (SELECT FROM floating_ip f WHERE f.subnet_id = p_subnet AND f.address = s.a)
                              AND NOT EXISTS (SELECT FROM infrastructure_address i WHERE i.address = s.a)
                              AND NOT (shared AND EXISTS (SELECT FROM interface_address e WHERE e.address = s.a))
                            ON CONFLICT DO NOTHING;
                        GET DIAGNOSTICS added = ROW_COUNT;
                        total := total + added;
                    END IF;
                    UPDATE subnet_range SET filled_to = stop WHERE subnet_id = p_subnet AND first = r.first;
                    EXIT WHEN stop = r.last;
                    start := stop + 1;
                END LOOP;
                EXIT WHEN total >= p_want;
            END LOOP;
            RETURN total;
        END $$;
        """;

    private const string FloatingIPReferee =
        $$"""
        CREATE FUNCTION cn2_refuse_floating_ip() RETURNS trigger LANGUAGE plpgsql {{IndexOnly}} AS $$
        DECLARE
            broken text;
            sentence text;
        BEGIN
            -- Excludes those who write the infrastructure (cn2_set_infrastructure) and routing tables (cn2_scope_added). Those who insert
            -- endpoints are excluded by the foreign key to the subnet (cn2_refuse_endpoint), which is checked before.
            LOCK TABLE infrastructure_address IN ROW SHARE MODE;
            SELECT r.broken, r.sentence INTO broken, sentence FROM (
                SELECT 'floating_ip_is_no_infrastructure_address' AS broken, host(n.address) || ' is an address of the infrastructure' AS sentence
                    FROM added n JOIN infrastructure_address i ON i.address = n.address
                UNION ALL
                SELECT 'floating_ip_is_no_endpoint', host(n.address) || ' is the address of an endpoint'
                    FROM added n JOIN interface_address e ON e.address = n.address
                    JOIN subnet_scope u ON u.subnet_id = n.subnet_id AND u.scope IN ('underlay', 'service')
                UNION ALL
                SELECT 'floating_ip_is_no_cluster_ip', host(n.address) || ' lies in ' || s.cidr || ', the service network'
                    FROM added n JOIN subnet s ON s.external_network_uid IS NULL AND s.cidr >>= n.address
                    JOIN subnet_scope u ON u.subnet_id = n.subnet_id AND u.scope = 'underlay' WHERE n.external_network_uid IS NOT NULL) r
            LIMIT 1;
            IF FOUND THEN RAISE EXCEPTION '%', sentence USING ERRCODE = 'exclusion_violation', TABLE = 'floating_ip', CONSTRAINT = broken; END IF;
            RETURN NULL;
        END $$;
        DROP TRIGGER refuse_infrastructure ON floating_ip;
        DROP FUNCTION cn2_refuse_infrastructure;
        CREATE TRIGGER refuse AFTER INSERT ON floating_ip REFERENCING NEW TABLE AS added
            FOR EACH STATEMENT EXECUTE FUNCTION cn2_refuse_floating_ip();
        """;

    private const string EndpointReferee =
        $$"""
        CREATE FUNCTION cn2_refuse_endpoint() RETURNS trigger LANGUAGE plpgsql {{IndexOnly}} AS $$
        DECLARE
            broken text;
            sentence text;
            subnets int[];
            seen bigint;
        BEGIN
            -- Most endpoints lie in no External Network, and nothing is locked. Else this excludes those who insert FloatingIPs of the subnet
            -- (FOR KEY SHARE of the foreign key), give back and refill. Subnets before the infrastructure, as everywhere.
            SELECT version INTO seen FROM catalog WHERE singleton;
            SELECT array_agg(DISTINCT u.subnet_id) INTO subnets FROM added n JOIN subnet_scope u ON u.scope = 'underlay' AND u.cidr >>= n.address;
            IF subnets IS NOT NULL THEN PERFORM 1 FROM subnet WHERE id = ANY (subnets) ORDER BY id FOR UPDATE; END IF;
            LOCK TABLE infrastructure_address IN ROW SHARE MODE;
            SELECT r.broken, r.sentence INTO broken, sentence FROM (
                SELECT 'endpoint_is_no_infrastructure_address' AS broken,
                        host(n.address) || ' is the address of ' || CASE i.kind WHEN 'Database' THEN 'the database server' ELSE i.kind || ' ' || i.name END AS sentence
                    FROM added n JOIN infrastructure_address i ON i.address = n.address
                UNION ALL
                SELECT 'endpoint_is_no_cluster_ip', host(n.address) || ' lies in ' || s.cidr || ', the service network'
                    FROM added n JOIN subnet s ON s.external_network_uid IS NULL AND s.cidr >>= n.address) r
            LIMIT 1;
            IF FOUND THEN RAISE EXCEPTION '%', sentence USING ERRCODE = 'exclusion_violation', TABLE = 'interface_address', CONSTRAINT = broken; END IF;

            -- Who has made another subnet a part of the underlay meanwhile had the infrastructure locked (cn2_scope_added).
            IF seen <> (SELECT version FROM catalog WHERE singleton) THEN
                SELECT array_agg(DISTINCT u.subnet_id) INTO subnets FROM added n JOIN subnet_scope u ON u.scope = 'underlay' AND u.cidr >>= n.address;
                PERFORM 1 FROM subnet WHERE id = ANY (subnets) ORDER BY id FOR UPDATE;
            END IF;
            IF subnets IS NULL THEN RETURN NULL; END IF;
            SELECT host(f.address) || ' is held by FloatingIP ' || f.namespace || '/' || f.name INTO sentence
                FROM added n JOIN floating_ip f ON f.subnet_id = ANY (subnets) AND f.address = n.address WHERE cn2_is_shared(f.subnet_id) LIMIT 1;
            IF FOUND THEN RAISE EXCEPTION '%', sentence USING ERRCODE = 'exclusion_violation', TABLE = 'interface_address', CONSTRAINT = 'endpoint_is_no_floating_ip'; END IF;
            PERFORM cn2_take_out(subnets, ARRAY(SELECT address FROM added));
            RETURN NULL;
        END $$;
        CREATE TRIGGER refuse AFTER INSERT ON interface_address REFERENCING NEW TABLE AS added
            FOR EACH STATEMENT EXECUTE FUNCTION cn2_refuse_endpoint();

        CREATE FUNCTION cn2_endpoint_gone() RETURNS trigger LANGUAGE plpgsql {{IndexOnly}} AS $$
        DECLARE
            subnets int[];
        BEGIN
            SELECT array_agg(DISTINCT u.subnet_id) INTO subnets FROM gone g JOIN subnet_scope u ON u.scope IN ('underlay', 'service') AND u.cidr >>= g.address;
            IF subnets IS NULL THEN RETURN NULL; END IF;
            -- As strong as for an endpoint that comes: a change of address is both, in one transaction.
            PERFORM 1 FROM subnet WHERE id = ANY (subnets) ORDER BY id FOR UPDATE;
            PERFORM cn2_give_back(subnets, ARRAY(SELECT DISTINCT address FROM gone));
            RETURN NULL;
        END $$;
        CREATE TRIGGER give_back AFTER DELETE ON interface_address REFERENCING OLD TABLE AS gone
            FOR EACH STATEMENT EXECUTE FUNCTION cn2_endpoint_gone();
        """;

    private const string ScopeReferee =
        """
        -- A subnet enters the table that endpoints are in: a new one, one that was in the overlay, or a new service network.
        CREATE FUNCTION cn2_scope_added() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            entering int[];
            concerned int[];
            broken text;
            sentence text;
        BEGIN
            SELECT array_agg(subnet_id) INTO entering FROM added WHERE scope IN ('underlay', 'service');
            IF entering IS NULL THEN RETURN NULL; END IF;
            -- With a service network, the pools of external addresses beside which it is put.
            SELECT entering || array_agg(u.subnet_id) INTO concerned
                FROM added n JOIN subnet_scope u ON u.scope = 'underlay' AND u.cidr && n.cidr WHERE n.scope = 'service';
            -- As cn2_set_subnet_ranges: waits for those who are taking addresses now. What was in the pools is filled in anew.
            PERFORM 1 FROM subnet WHERE id = ANY (concerned) ORDER BY id FOR NO KEY UPDATE;
            DELETE FROM free_address WHERE subnet_id = ANY (concerned);
            UPDATE subnet_range SET filled_to = NULL WHERE subnet_id = ANY (concerned) AND filled_to IS NOT NULL;
            -- Excludes those who insert endpoints and FloatingIPs (ROW SHARE there): they see this subnet, or are seen here.
            LOCK TABLE infrastructure_address IN EXCLUSIVE MODE;
            SELECT r.broken, r.sentence INTO broken, sentence FROM (
                SELECT 'floating_ip_is_no_endpoint' AS broken,
                        host(f.address) || ' of FloatingIP ' || f.namespace || '/' || f.name || ' is the address of VirtualMachineInterface ' || v.namespace || '/' || v.name AS sentence
                    FROM floating_ip f JOIN interface_address e ON e.address = f.address JOIN virtual_machine_interface v ON v.uid = e.interface_uid
                    WHERE f.subnet_id = ANY (entering)
                UNION ALL
                SELECT 'floating_ip_is_no_cluster_ip', host(f.address) || ' of FloatingIP ' || f.namespace || '/' || f.name || ' lies in ' || s.cidr || ', the service network'
                    FROM floating_ip f JOIN subnet s ON s.external_network_uid IS NULL AND s.cidr >>= f.address
                    WHERE f.subnet_id = ANY (concerned) AND f.external_network_uid IS NOT NULL AND (f.subnet_id = ANY (entering) OR s.id = ANY (entering))) r
            LIMIT 1;
            IF FOUND THEN RAISE EXCEPTION '%', sentence USING ERRCODE = 'exclusion_violation', TABLE = 'floating_ip', CONSTRAINT = broken; END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER refuse AFTER INSERT ON subnet_scope REFERENCING NEW TABLE AS added
            FOR EACH STATEMENT EXECUTE FUNCTION cn2_scope_added();

        -- A subnet leaves that table, or a service network goes: what was passed over is filled in.
        CREATE FUNCTION cn2_scope_gone() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            leaving int[];
        BEGIN
            SELECT array_agg(s.id) INTO leaving FROM gone g JOIN subnet s
                ON g.scope = 'underlay' AND s.id = g.subnet_id OR g.scope = 'service' AND s.external_network_uid IS NOT NULL AND s.cidr && g.cidr;
            IF leaving IS NULL THEN RETURN NULL; END IF;
            PERFORM 1 FROM subnet WHERE id = ANY (leaving) ORDER BY id FOR NO KEY UPDATE;
            DELETE FROM free_address WHERE subnet_id = ANY (leaving);
            UPDATE subnet_range SET filled_to = NULL WHERE subnet_id = ANY (leaving) AND filled_to IS NOT NULL;
            RETURN NULL;
        END $$;
        CREATE TRIGGER fill_anew AFTER DELETE ON subnet_scope REFERENCING OLD TABLE AS gone
            FOR EACH STATEMENT EXECUTE FUNCTION cn2_scope_gone();
        """;

    internal const string Infrastructure =
        """
        -- Sets the addresses of one owner; answers a FloatingIP that holds a new one ('100.0.0.9 is held by FloatingIP ns1/web'), or null.
        -- With p_refuse such an address is refused. Without, it is noted all the same: it is not given a second time. Loopback is left out.
        -- An endpoint that has a new one is not served from now on, and one whose address is free again is: the feed names them.
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
            -- Excludes those who insert FloatingIPs and endpoints (ROW SHARE there): they see what is noted here, or are seen here.
            LOCK TABLE infrastructure_address IN EXCLUSIVE MODE;
            SELECT host(f.address) || ' is held by FloatingIP ' || f.namespace || '/' || f.name INTO holder
                FROM unnest(fresh) a JOIN subnet s ON s.cidr >>= a JOIN floating_ip f ON f.subnet_id = s.id AND f.address = a LIMIT 1;
            IF p_refuse AND holder IS NOT NULL THEN
                RAISE EXCEPTION '%', holder USING ERRCODE = 'exclusion_violation', TABLE = 'infrastructure_address', CONSTRAINT = 'infrastructure_address_is_no_floating_ip';
            END IF;
            INSERT INTO infrastructure_address (kind, name, address) SELECT p_kind, p_name, a FROM unnest(fresh) a ON CONFLICT DO NOTHING;
            PERFORM cn2_take_out(ARRAY(SELECT s.id FROM subnet s WHERE EXISTS (SELECT FROM unnest(fresh) a WHERE s.cidr >>= a)), fresh);
            DELETE FROM infrastructure_address WHERE kind = p_kind AND name = p_name AND address = ANY (gone);
            PERFORM cn2_give_back(ARRAY(SELECT s.id FROM subnet s WHERE EXISTS (SELECT FROM unnest(gone) a WHERE s.cidr >>= a)), gone);
            -- Kind 6: VirtualMachineInterface; verb 2: modified.
            INSERT INTO change (kind, namespace, name, uid, verb, status_only)
                SELECT 6, v.namespace, v.name, v.uid, 2, false FROM virtual_machine_interface v
                WHERE v.uid IN (SELECT e.interface_uid FROM interface_address e WHERE e.address = ANY (fresh || gone));
            -- Not every writer of the infrastructure has changes of its own to tell of.
            IF FOUND THEN PERFORM pg_notify('cn2_change', ''); END IF;
            RETURN holder;
        END $$;
        """;
}
