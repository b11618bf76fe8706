using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>
/// The quarantine of released addresses (docs/contract.md §3, quarantineSeconds). An address rests in table <c>resting_address</c>, wherever it lies in
/// its subnet, and is in <c>free_address</c> only afterwards. So a change of the ranges or of the routing tables does not end a rest, and an
/// address that is given only on request rests too.
/// <para>
/// Control nodes of the version before go on with <c>cn2_take(int[], int[])</c>: to them an address that rests is held. Only who asks one of them for its number gets it.
/// </para>
/// </summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261211014000_RestingAddresses")]
public sealed class RestingAddresses : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.Sql(
            """
            ALTER TABLE external_network ADD COLUMN quarantine_seconds integer NOT NULL DEFAULT 30
                CONSTRAINT external_network_quarantine_range CHECK (quarantine_seconds BETWEEN 0 AND 86400);

            -- Released addresses that are not handed out yet, until when, and the FloatingIP that had them.
            CREATE TABLE resting_address (
                subnet_id int NOT NULL REFERENCES subnet (id) ON DELETE CASCADE,
                address inet NOT NULL,
                rests_until timestamp with time zone NOT NULL,
                last_namespace text NOT NULL,
                last_name text NOT NULL,
                PRIMARY KEY (subnet_id, address)
            ) WITH (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 5000);
            CREATE INDEX ix_resting_address_subnet_id_rests_until ON resting_address (subnet_id, rests_until);
            CREATE INDEX ix_resting_address_rests_until ON resting_address (rests_until);
            CREATE INDEX ix_resting_address_last_namespace_last_name ON resting_address (last_namespace, last_name);
            """);
        migrationBuilder.Sql(Release);
        migrationBuilder.Sql(Pools);
        migrationBuilder.Sql(Ranges);
        migrationBuilder.Sql(End);
        migrationBuilder.Sql(Take);
    }

    protected override void Down(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.Sql(
            """
            DROP FUNCTION cn2_take(int[], int[], boolean[], int[], text[], text[]);
            DROP FUNCTION cn2_take_asked, cn2_may_be_given, cn2_end_rests, cn2_give_back, cn2_take_out, cn2_is_blocked, cn2_is_shared;
            """);
        migrationBuilder.Sql(EndpointAddresses.Pools);
        migrationBuilder.Sql(
            """
            CREATE OR REPLACE FUNCTION cn2_set_subnet_ranges(p_subnet int, p_first inet[], p_last inet[]) RETURNS void LANGUAGE plpgsql AS $$
            BEGIN
                PERFORM 1 FROM subnet WHERE id = p_subnet FOR NO KEY UPDATE;
                DELETE FROM free_address WHERE subnet_id = p_subnet;
                DELETE FROM subnet_range WHERE subnet_id = p_subnet;
                INSERT INTO subnet_range (subnet_id, first, last) SELECT p_subnet, f, l FROM unnest(p_first, p_last) AS t (f, l);
            END $$;
            DROP TABLE resting_address;
            ALTER TABLE external_network DROP COLUMN quarantine_seconds;
            -- What rested is filled in again.
            DELETE FROM free_address;
            UPDATE subnet_range SET filled_to = NULL;
            """);
    }

    private const string Release =
        $$"""
        CREATE OR REPLACE FUNCTION cn2_release_addresses() RETURNS trigger LANGUAGE plpgsql {{EndpointAddresses.IndexOnly}} AS $$
        BEGIN
            PERFORM 1 FROM subnet WHERE id IN (SELECT subnet_id FROM gone) ORDER BY id FOR SHARE;
            -- A FloatingIP that has left its name to a successor (FloatingIPName.Retired) is known by the name that it had. Beyond 10,000 rests of
            -- a namespace in a subnet its addresses are free at once: who makes and deletes FloatingIPs without end keeps them from nobody.
            WITH room AS MATERIALIZED (
                SELECT d.namespace, d.subnet_id,
                    (SELECT count(*) FROM (SELECT FROM resting_address r WHERE r.last_namespace = d.namespace AND r.subnet_id = d.subnet_id LIMIT 10000) q) AS rests
                FROM (SELECT DISTINCT namespace, subnet_id FROM gone) d
            )
            INSERT INTO resting_address (subnet_id, address, rests_until, last_namespace, last_name)
                SELECT g.subnet_id, g.address, clock_timestamp() + make_interval(secs => n.quarantine_seconds), g.namespace,
                    CASE WHEN NOT g.reserved AND right(g.name, 9) = '-' || right(g.uid::text, 8) THEN left(g.name, -9) ELSE g.name END
                FROM gone g JOIN external_network n ON n.uid = g.external_network_uid JOIN room o ON o.namespace = g.namespace AND o.subnet_id = g.subnet_id
                WHERE n.quarantine_seconds > 0 AND o.rests < 10000
                ON CONFLICT (subnet_id, address) DO UPDATE
                    SET rests_until = excluded.rests_until, last_namespace = excluded.last_namespace, last_name = excluded.last_name;
            INSERT INTO free_address (subnet_id, address)
                SELECT g.subnet_id, g.address FROM gone g
                WHERE EXISTS (SELECT FROM subnet_range r
                              WHERE r.subnet_id = g.subnet_id AND g.address BETWEEN r.first AND r.filled_to)
                  AND NOT EXISTS (SELECT FROM resting_address r WHERE r.subnet_id = g.subnet_id AND r.address = g.address)
                  AND NOT cn2_is_blocked(g.subnet_id, g.address)
                ON CONFLICT DO NOTHING;
            RETURN NULL;
        END $$;
        """;

    /// <summary>As before (EndpointAddresses), and what rests does not become free.</summary>
    private const string Pools =
        """
        CREATE OR REPLACE FUNCTION cn2_give_back(p_subnets int[], p_addresses inet[]) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO free_address (subnet_id, address)
                SELECT s.id, a FROM unnest(p_addresses) a JOIN subnet s ON s.id = ANY (p_subnets) AND s.cidr >>= a
                WHERE EXISTS (SELECT FROM subnet_range r WHERE r.subnet_id = s.id AND a BETWEEN r.first AND r.filled_to)
                  AND NOT EXISTS (SELECT FROM floating_ip f WHERE f.subnet_id = s.id AND f.address = a)
                  AND NOT EXISTS (SELECT FROM resting_address r WHERE r.subnet_id = s.id AND r.address = a)
                  AND NOT cn2_is_blocked(s.id, a)
                ON CONFLICT DO NOTHING;
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
                              AND NOT EXISTS (SELECT FROM resting_address q WHERE q.subnet_id = p_subnet AND q.address = s.a)
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

    /// <summary>As before (Constraints), and it waits for those who are taking addresses that rest.</summary>
    private const string Ranges =
        """
        CREATE OR REPLACE FUNCTION cn2_set_subnet_ranges(p_subnet int, p_first inet[], p_last inet[]) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM 1 FROM subnet WHERE id = p_subnet FOR NO KEY UPDATE;
            -- Waits for those who are taking addresses now: what they hold is seen by the statements after this one.
            DELETE FROM free_address WHERE subnet_id = p_subnet;
            -- The same for what rests. A new version of each row, because one that is only locked would be taken afterwards by who has looked before.
            UPDATE resting_address SET rests_until = rests_until WHERE subnet_id = p_subnet;
            DELETE FROM subnet_range WHERE subnet_id = p_subnet;
            INSERT INTO subnet_range (subnet_id, first, last) SELECT p_subnet, f, l FROM unnest(p_first, p_last) AS t (f, l);
        END $$;
        """;

    private const string End =
        $$"""
        -- Frees addresses whose rest is over, the oldest first, and p_limit at most. Returns how many rests it has ended.
        CREATE FUNCTION cn2_end_rests(p_limit int) RETURNS int LANGUAGE plpgsql {{EndpointAddresses.IndexOnly}} AS $$
        DECLARE
            subnets int[];
            ended int;
        BEGIN
            SELECT array_agg(DISTINCT r.subnet_id) INTO subnets
                FROM (SELECT subnet_id FROM resting_address WHERE rests_until <= now() ORDER BY rests_until LIMIT p_limit) r;
            IF subnets IS NULL THEN RETURN 0; END IF;
            -- Excludes refills, and endpoints and infrastructure that go: they see the rest, or their address is seen here as nobody's.
            PERFORM 1 FROM subnet WHERE id = ANY (subnets) ORDER BY id FOR SHARE;
            WITH rested AS (
                DELETE FROM resting_address WHERE ctid = ANY (ARRAY(
                    SELECT ctid FROM resting_address WHERE rests_until <= now() AND subnet_id = ANY (subnets)
                    ORDER BY rests_until LIMIT p_limit FOR UPDATE SKIP LOCKED))
                RETURNING subnet_id, address
            ), freed AS (
                INSERT INTO free_address (subnet_id, address)
                SELECT o.subnet_id, o.address FROM rested o
                WHERE EXISTS (SELECT FROM subnet_range r WHERE r.subnet_id = o.subnet_id AND o.address BETWEEN r.first AND r.filled_to)
                  AND NOT EXISTS (SELECT FROM floating_ip f WHERE f.subnet_id = o.subnet_id AND f.address = o.address)
                  AND NOT cn2_is_blocked(o.subnet_id, o.address)
                ON CONFLICT DO NOTHING
            )
            SELECT count(*) INTO ended FROM rested;
            RETURN ended;
        END $$;
        """;

    private const string Take =
        $$"""
        -- Whether an address that rests may be handed out without being asked for.
        CREATE FUNCTION cn2_may_be_given(p_subnet int, p_address inet) RETURNS boolean LANGUAGE plpgsql STABLE {{EndpointAddresses.IndexOnly}} AS $$
        BEGIN
            RETURN EXISTS (SELECT FROM subnet_range r WHERE r.subnet_id = p_subnet AND p_address BETWEEN r.first AND r.last)
                AND NOT EXISTS (SELECT FROM floating_ip f WHERE f.subnet_id = p_subnet AND f.address = p_address)
                AND NOT cn2_is_blocked(p_subnet, p_address);
        END $$;

        -- Takes up to p_counts[i] addresses of p_subnets[i]. First comes what rests for a holder that wants an address there: p_names[j] in
        -- p_namespaces[j] wants one for entry p_of[j]. Then the lowest free addresses. When there are no more, those whose rest is over; with
        -- p_resting[i] those that rest as well, the oldest first. A row with refill = true says that the subnet has more than free_address holds:
        -- the caller rolls back, calls cn2_refill and starts again. Fewer rows: exhausted. A row with rested_until was in resting_address.
        CREATE FUNCTION cn2_take(p_subnets int[], p_counts int[], p_resting boolean[], p_of int[], p_namespaces text[], p_names text[])
            RETURNS TABLE (entry int, taken inet, refill boolean, rested_until timestamptz, holder_namespace text, holder_name text)
            LANGUAGE plpgsql {{EndpointAddresses.IndexOnly}} AS $$
        DECLARE
            missing int;
            got int;
            latest timestamptz;
            waited boolean;
        BEGIN
            FOR i IN 1 .. coalesce(array_length(p_subnets, 1), 0) LOOP
                missing := p_counts[i];
                IF i = ANY (p_of) THEN
                    RETURN QUERY WITH d AS (DELETE FROM resting_address WHERE ctid = ANY (ARRAY(
                        SELECT own.place FROM unnest(p_of, p_namespaces, p_names) AS h (of_entry, namespace, name)
                        CROSS JOIN LATERAL (
                            SELECT r.ctid AS place FROM resting_address r
                            WHERE r.last_namespace = h.namespace AND r.last_name = h.name AND r.subnet_id = p_subnets[i] AND cn2_may_be_given(r.subnet_id, r.address)
                            ORDER BY r.rests_until DESC LIMIT 1 FOR UPDATE SKIP LOCKED) own
                        WHERE h.of_entry = i))
                        RETURNING address, rests_until, last_namespace, last_name)
                        SELECT i, d.address, false, d.rests_until, d.last_namespace, d.last_name FROM d;
                    GET DIAGNOSTICS got = ROW_COUNT;
                    missing := missing - got;
                END IF;

                latest := CASE WHEN p_resting[i] THEN 'infinity'::timestamptz ELSE clock_timestamp() END;
                waited := false;
                WHILE missing > 0 LOOP
                    -- ctid = ANY(ARRAY(...)): a join form would be planned as a hash join over the whole pool.
                    RETURN QUERY WITH d AS (DELETE FROM free_address WHERE ctid = ANY (ARRAY(
                        SELECT ctid FROM free_address f WHERE f.subnet_id = p_subnets[i] ORDER BY f.address LIMIT missing FOR UPDATE SKIP LOCKED))
                        RETURNING address) SELECT i, d.address, false, NULL::timestamptz, NULL::text, NULL::text FROM d ORDER BY d.address;
                    GET DIAGNOSTICS got = ROW_COUNT;
                    missing := missing - got;
                    EXIT WHEN missing = 0;
                    IF EXISTS (SELECT FROM subnet_range r WHERE r.subnet_id = p_subnets[i] AND (r.filled_to IS NULL OR r.filled_to < r.last)) THEN
                        RETURN QUERY SELECT i, NULL::inet, true, NULL::timestamptz, NULL::text, NULL::text;
                        RETURN;
                    END IF;
                    -- Nothing more to fill: what others hold locked may yet come back (a dry run, a fault), so wait for them
                    -- before it is called exhausted.
                    RETURN QUERY WITH d AS (DELETE FROM free_address WHERE ctid = ANY (ARRAY(
                        SELECT ctid FROM free_address f WHERE f.subnet_id = p_subnets[i] ORDER BY f.address LIMIT missing FOR UPDATE))
                        RETURNING address) SELECT i, d.address, false, NULL::timestamptz, NULL::text, NULL::text FROM d ORDER BY d.address;
                    GET DIAGNOSTICS got = ROW_COUNT;
                    missing := missing - got;
                    EXIT WHEN missing = 0;
                    RETURN QUERY WITH d AS (DELETE FROM resting_address WHERE ctid = ANY (ARRAY(
                        SELECT r.ctid FROM resting_address r
                        WHERE r.subnet_id = p_subnets[i] AND r.rests_until <= latest AND cn2_may_be_given(r.subnet_id, r.address)
                        ORDER BY r.rests_until LIMIT missing FOR UPDATE SKIP LOCKED))
                        RETURNING address, rests_until, last_namespace, last_name)
                        SELECT i, d.address, false, d.rests_until, d.last_namespace, d.last_name FROM d ORDER BY d.rests_until;
                    GET DIAGNOSTICS got = ROW_COUNT;
                    missing := missing - got;
                    EXIT WHEN missing = 0 OR waited;
                    -- What others hold locked here comes back, or its rest ends and it is free: wait for them, and look once more.
                    PERFORM 1 FROM resting_address r WHERE r.subnet_id = p_subnets[i] AND r.rests_until <= latest AND cn2_may_be_given(r.subnet_id, r.address)
                        ORDER BY r.rests_until LIMIT missing FOR UPDATE;
                    waited := true;
                END LOOP;
            END LOOP;
        END $$;

        -- Takes these addresses out of what is free and of what rests, whoever had them. Whether another holder has them is decided by the
        -- constraint floating_ip_address.
        CREATE FUNCTION cn2_take_asked(p_subnets int[], p_addresses inet[]) RETURNS void LANGUAGE plpgsql {{EndpointAddresses.IndexOnly}} AS $$
        BEGIN
            -- Excludes a refill: it does not see the holder before the caller commits, and would put the address into the pool again.
            PERFORM 1 FROM subnet WHERE id = ANY (p_subnets) ORDER BY id FOR SHARE;
            -- In this order: an address whose rest ends meanwhile is free when the second statement looks.
            DELETE FROM resting_address r USING unnest(p_subnets, p_addresses) AS t (s, a) WHERE r.subnet_id = t.s AND r.address = t.a;
            DELETE FROM free_address f USING unnest(p_subnets, p_addresses) AS t (s, a) WHERE f.subnet_id = t.s AND f.address = t.a;
        END $$;
        """;
}
