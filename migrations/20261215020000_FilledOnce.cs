using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>
/// A pool that many clients find empty at one moment is filled once for all of them. Each filled it again, one after another, and those at the end of the queue were answered 503. What a filling reads
/// does not grow with the number of addresses that are held.
/// </summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261215020000_FilledOnce")]
public sealed class FilledOnce : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        $$"""
        -- cn2_refill of before, which the next one calls. What is not free is read by its place in the index alone: a session keeps the plan of a join that was made when it was little.
        ALTER FUNCTION cn2_refill(int, int) RENAME TO cn2_fill_pool;
        CREATE OR REPLACE FUNCTION cn2_fill_pool(p_subnet int, p_want int) RETURNS int LANGUAGE plpgsql {{EndpointAddresses.IndexOnly}} AS $$
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
                            SELECT p_subnet, a FROM (
                                SELECT start + i AS a FROM generate_series(0, 1023) i WHERE start + i <= stop
                                EXCEPT SELECT f.address FROM floating_ip f WHERE f.subnet_id = p_subnet AND f.address BETWEEN start AND stop
                                EXCEPT SELECT q.address FROM resting_address q WHERE q.subnet_id = p_subnet AND q.address BETWEEN start AND stop
                                EXCEPT SELECT i.address FROM infrastructure_address i WHERE i.address BETWEEN start AND stop
                                EXCEPT SELECT e.address FROM interface_address e WHERE shared AND e.address BETWEEN start AND stop) s
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

        ALTER FUNCTION cn2_give_back(int[], inet[]) {{EndpointAddresses.IndexOnly}};
        ALTER FUNCTION cn2_take_out(int[], inet[]) {{EndpointAddresses.IndexOnly}};

        -- Fills the pool, unless somebody else has done so while this waited for the subnet. Answers how many addresses this has added; the caller takes, and calls again when there are none.
        CREATE FUNCTION cn2_refill(p_subnet int, p_want int) RETURNS int LANGUAGE plpgsql AS $$
        DECLARE
            before inet[];
            after inet[];
        BEGIN
            SELECT array_agg(filled_to ORDER BY first) INTO before FROM subnet_range WHERE subnet_id = p_subnet;
            PERFORM 1 FROM subnet WHERE id = p_subnet FOR NO KEY UPDATE;
            SELECT array_agg(filled_to ORDER BY first) INTO after FROM subnet_range WHERE subnet_id = p_subnet;
            IF after IS DISTINCT FROM before THEN RETURN 0; END IF;
            -- More than this caller wants: batches wait for one filling too.
            RETURN cn2_fill_pool(p_subnet, p_want + least(7 * p_want, 8192));
        END $$;
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        -- The version before calls it by this name; that it reads less than the one of then does no harm.
        DROP FUNCTION cn2_refill(int, int);
        ALTER FUNCTION cn2_fill_pool(int, int) RENAME TO cn2_refill;
        ALTER FUNCTION cn2_give_back(int[], inet[]) RESET ALL;
        ALTER FUNCTION cn2_take_out(int[], inet[]) RESET ALL;
        """);
}
