using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>What must never happen, said to the database (docs/adr/0002): EF has no words for it, so it is SQL.</summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261123031600_Constraints")]
public sealed class Constraints : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        -- btree_gist lets one exclusion constraint compare a text (=) and a network (&&). Trusted since PostgreSQL 13.
        CREATE EXTENSION IF NOT EXISTS btree_gist;

        -- An address lies in its subnet, and a subnet with addresses cannot be dropped or re-cut under them.
        ALTER TABLE subnet ADD CONSTRAINT subnet_id_cidr UNIQUE (id, cidr);
        ALTER TABLE floating_ip
            ADD CONSTRAINT floating_ip_subnet FOREIGN KEY (subnet_id, subnet_cidr) REFERENCES subnet (id, cidr),
            ADD CONSTRAINT floating_ip_host_address CHECK (masklen(address) = CASE family(address) WHEN 4 THEN 32 ELSE 128 END),
            -- An address is never given twice.
            ADD CONSTRAINT floating_ip_address UNIQUE (subnet_id, address);
        ALTER TABLE bgp_router ADD CONSTRAINT bgp_router_address UNIQUE (address);
        ALTER TABLE virtual_router ADD CONSTRAINT virtual_router_address UNIQUE (address);

        -- Subnets of one routing table do not overlap. A subnet has a row for every routing table it is part of:
        -- 'underlay', 'service', a route target, or 'network:<uid>' for an overlay network without targets.
        CREATE TABLE subnet_scope (
            subnet_id int NOT NULL,
            scope text NOT NULL,
            cidr cidr NOT NULL,
            PRIMARY KEY (subnet_id, scope),
            FOREIGN KEY (subnet_id, cidr) REFERENCES subnet (id, cidr) ON DELETE CASCADE ON UPDATE CASCADE,
            CONSTRAINT subnet_overlap EXCLUDE USING gist (scope WITH =, cidr inet_ops WITH &&)
        );

        -- Runs of addresses that are handed out automatically, lowest first. Those up to filled_to have been put into free_address.
        CREATE TABLE subnet_range (
            subnet_id int NOT NULL REFERENCES subnet (id) ON DELETE CASCADE,
            first inet NOT NULL,
            last inet NOT NULL,
            filled_to inet,
            PRIMARY KEY (subnet_id, first),
            CHECK (first <= last)
        );

        -- Addresses nobody holds. Taken with SKIP LOCKED, so that concurrent requests neither collide nor wait.
        CREATE TABLE free_address (
            subnet_id int NOT NULL REFERENCES subnet (id) ON DELETE CASCADE,
            address inet NOT NULL,
            PRIMARY KEY (subnet_id, address)
        ) WITH (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 5000);

        -- The same address twice on one vRouter.
        CREATE TABLE interface_address (
            virtual_router text NOT NULL,
            address inet NOT NULL,
            interface_uid uuid NOT NULL REFERENCES virtual_machine_interface (uid) ON DELETE CASCADE,
            CONSTRAINT interface_address_once PRIMARY KEY (virtual_router, address)
        );
        CREATE INDEX ix_interface_address_interface_uid ON interface_address (interface_uid);

        -- Puts the next addresses of a subnet (at least p_want, in steps of 1024) into free_address; returns how many.
        -- Called in a transaction of its own: the row lock on the subnet is held for a moment only, and together with no other.
        CREATE FUNCTION cn2_refill(p_subnet int, p_want int) RETURNS int LANGUAGE plpgsql AS $$
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
                          AND NOT EXISTS (SELECT FROM floating_ip f WHERE f.subnet_id = p_subnet AND f.address = s.a)
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

        -- Takes the lowest free addresses: up to p_counts[i] of p_subnets[i]. A row with refill = true says that the subnet has
        -- more than free_address holds: the caller rolls back, calls cn2_refill and starts again. Fewer rows: exhausted.
        CREATE FUNCTION cn2_take(p_subnets int[], p_counts int[]) RETURNS TABLE (subnet int, taken inet, refill boolean) LANGUAGE plpgsql AS $$
        DECLARE
            missing int;
            got int;
        BEGIN
            FOR i IN 1 .. coalesce(array_length(p_subnets, 1), 0) LOOP
                missing := p_counts[i];
                -- ctid = ANY(ARRAY(...)): a join form would be planned as a hash join over the whole pool.
                RETURN QUERY WITH d AS (DELETE FROM free_address WHERE ctid = ANY (ARRAY(
                    SELECT ctid FROM free_address f WHERE f.subnet_id = p_subnets[i] ORDER BY f.address LIMIT missing FOR UPDATE SKIP LOCKED))
                    RETURNING address) SELECT p_subnets[i], d.address, false FROM d ORDER BY d.address;
                GET DIAGNOSTICS got = ROW_COUNT;
                missing := missing - got;
                CONTINUE WHEN missing = 0;
                IF EXISTS (SELECT FROM subnet_range r WHERE r.subnet_id = p_subnets[i] AND (r.filled_to IS NULL OR r.filled_to < r.last)) THEN
                    RETURN QUERY SELECT p_subnets[i], NULL::inet, true;
                    RETURN;
                END IF;
                -- Nothing more to fill: what others hold locked may yet come back (a dry run, a fault), so wait for them
                -- before it is called exhausted.
                RETURN QUERY WITH d AS (DELETE FROM free_address WHERE ctid = ANY (ARRAY(
                    SELECT ctid FROM free_address f WHERE f.subnet_id = p_subnets[i] ORDER BY f.address LIMIT missing FOR UPDATE))
                    RETURNING address) SELECT p_subnets[i], d.address, false FROM d ORDER BY d.address;
            END LOOP;
        END $$;

        -- Replaces the runs of addresses that are handed out automatically; free_address is filled again when asked.
        CREATE FUNCTION cn2_set_subnet_ranges(p_subnet int, p_first inet[], p_last inet[]) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM 1 FROM subnet WHERE id = p_subnet FOR NO KEY UPDATE;
            -- Waits for those who are taking addresses now: what they hold is seen by the statements after this one.
            DELETE FROM free_address WHERE subnet_id = p_subnet;
            DELETE FROM subnet_range WHERE subnet_id = p_subnet;
            INSERT INTO subnet_range (subnet_id, first, last) SELECT p_subnet, f, l FROM unnest(p_first, p_last) AS t (f, l);
        END $$;

        -- An address that is given back is free in the same transaction. FOR SHARE: see cn2_refill.
        CREATE FUNCTION cn2_release_addresses() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM 1 FROM subnet WHERE id IN (SELECT subnet_id FROM gone) ORDER BY id FOR SHARE;
            INSERT INTO free_address (subnet_id, address)
                SELECT g.subnet_id, g.address FROM gone g
                WHERE EXISTS (SELECT FROM subnet_range r
                              WHERE r.subnet_id = g.subnet_id AND g.address BETWEEN r.first AND r.filled_to)
                ON CONFLICT DO NOTHING;
            RETURN NULL;
        END $$;
        CREATE TRIGGER release_addresses AFTER DELETE ON floating_ip REFERENCING OLD TABLE AS gone
            FOR EACH STATEMENT EXECUTE FUNCTION cn2_release_addresses();

        -- Node ports: the same, with a range set at start.
        CREATE TABLE node_port_range (singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton), first int NOT NULL, last int NOT NULL);
        CREATE FUNCTION cn2_set_node_port_range(p_first int, p_last int) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            -- Replicas that start together, and (FOR SHARE there) givers-back.
            LOCK TABLE node_port_range IN SHARE ROW EXCLUSIVE MODE;
            IF EXISTS (SELECT FROM node_port_range WHERE first = p_first AND last = p_last) THEN RETURN; END IF;
            INSERT INTO node_port_range (first, last) VALUES (p_first, p_last)
                ON CONFLICT (singleton) DO UPDATE SET first = p_first, last = p_last;
            DELETE FROM free_node_port WHERE port NOT BETWEEN p_first AND p_last;
            INSERT INTO free_node_port (protocol, port)
                SELECT proto, p FROM generate_series(p_first, p_last) p, unnest(ARRAY[6, 17, 132]) proto
                WHERE NOT EXISTS (SELECT FROM node_port n WHERE n.port = p AND n.protocol = proto)
                ON CONFLICT DO NOTHING;
        END $$;
        CREATE FUNCTION cn2_take_node_ports(p_protocols int[], p_counts int[]) RETURNS TABLE (proto int, taken int) LANGUAGE plpgsql AS $$
        DECLARE
            missing int;
            got int;
        BEGIN
            FOR i IN 1 .. coalesce(array_length(p_protocols, 1), 0) LOOP
                missing := p_counts[i];
                RETURN QUERY WITH d AS (DELETE FROM free_node_port WHERE ctid = ANY (ARRAY(
                    SELECT ctid FROM free_node_port f WHERE f.protocol = p_protocols[i] ORDER BY f.port LIMIT missing FOR UPDATE SKIP LOCKED))
                    RETURNING port) SELECT p_protocols[i], d.port FROM d ORDER BY d.port;
                GET DIAGNOSTICS got = ROW_COUNT;
                missing := missing - got;
                CONTINUE WHEN missing = 0;
                RETURN QUERY WITH d AS (DELETE FROM free_node_port WHERE ctid = ANY (ARRAY(
                    SELECT ctid FROM free_node_port f WHERE f.protocol = p_protocols[i] ORDER BY f.port LIMIT missing FOR UPDATE))
                    RETURNING port) SELECT p_protocols[i], d.port FROM d ORDER BY d.port;
            END LOOP;
        END $$;
        CREATE FUNCTION cn2_release_node_ports() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            lowest int;
            highest int;
        BEGIN
            SELECT first, last INTO lowest, highest FROM node_port_range FOR SHARE;
            INSERT INTO free_node_port (protocol, port)
                SELECT g.protocol, g.port FROM gone g WHERE g.port BETWEEN lowest AND highest
                ON CONFLICT DO NOTHING;
            RETURN NULL;
        END $$;
        CREATE TRIGGER release_node_ports AFTER DELETE ON node_port REFERENCING OLD TABLE AS gone
            FOR EACH STATEMENT EXECUTE FUNCTION cn2_release_node_ports();

        -- Moves whenever a namespace, network, subnet or selector changes: writers of Services keep these few rows in memory and
        -- ask only whether their copy is current.
        CREATE TABLE catalog (singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton), version bigint NOT NULL);
        INSERT INTO catalog (version) VALUES (1);
        CREATE FUNCTION cn2_catalog_changed() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE catalog SET version = version + 1;
            RETURN NULL;
        END $$;
        CREATE TRIGGER catalog_changed AFTER INSERT OR UPDATE OR DELETE ON namespace FOR EACH STATEMENT EXECUTE FUNCTION cn2_catalog_changed();
        CREATE TRIGGER catalog_changed AFTER INSERT OR UPDATE OR DELETE ON external_network FOR EACH STATEMENT EXECUTE FUNCTION cn2_catalog_changed();
        CREATE TRIGGER catalog_changed AFTER INSERT OR UPDATE OR DELETE ON subnet FOR EACH STATEMENT EXECUTE FUNCTION cn2_catalog_changed();
        CREATE TRIGGER catalog_changed AFTER INSERT OR UPDATE OR DELETE ON external_network_selector FOR EACH STATEMENT EXECUTE FUNCTION cn2_catalog_changed();

        -- What exists from the start (contract §3).
        INSERT INTO namespace (uid, name, labels, annotations, generation, created_at, updated_at)
            VALUES ('01900000-0000-7000-8000-000000000001', 'default', '{}', '{}', 1, now(), now());
        INSERT INTO external_network_selector (uid, name, spec, labels, annotations, generation, created_at, updated_at)
            VALUES ('01900000-0000-7000-8000-000000000002', 'default-external',
                '{"networkSelector": {"matchLabels": {"service.contrail.juniper.net/externalNetwork": "default-external"}}, "namespaceSelector": {}}',
                '{}', '{}', 1, now(), now());
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        DROP TABLE catalog, node_port_range, interface_address, free_address, subnet_range, subnet_scope CASCADE;
        DROP FUNCTION cn2_refill, cn2_take, cn2_set_subnet_ranges, cn2_release_addresses, cn2_set_node_port_range, cn2_take_node_ports,
            cn2_release_node_ports, cn2_catalog_changed CASCADE;
        """);
}
