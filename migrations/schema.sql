-- The schema that the migrations make, as pg_dump writes it. A test keeps it equal (CN2_UPDATE_SCHEMA=1 writes it anew).


CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA public;

COMMENT ON EXTENSION btree_gist IS 'support for indexing common datatypes in GiST';

CREATE FUNCTION public.cn2_access_changed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE access_state SET version = version + 1;
    RETURN NULL;
END $$;

CREATE FUNCTION public.cn2_agent_certificates_changed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF EXISTS (SELECT FROM moved) THEN
        UPDATE agent_certificate_state SET version = version + 1;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION public.cn2_begin_use(p_namespace text) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO grant_use (namespace, services, floating_ips, node_ports, virtual_machine_interfaces, external_networks) SELECT p_namespace,
        (SELECT count(*) FROM service WHERE namespace = p_namespace),
        (SELECT count(*) FROM floating_ip WHERE namespace = p_namespace AND external_network_uid IS NOT NULL),
        (SELECT count(*) FROM node_port n JOIN service s ON s.uid = n.service_uid WHERE s.namespace = p_namespace),
        (SELECT count(*) FROM virtual_machine_interface WHERE namespace = p_namespace),
        (SELECT count(*) FROM external_network WHERE namespace = p_namespace);
END $$;

CREATE FUNCTION public.cn2_bgp_router_infrastructure() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN PERFORM cn2_set_infrastructure('BgpRouter', OLD.name, '{}', true);
    ELSE PERFORM cn2_set_infrastructure('BgpRouter', NEW.name, ARRAY[NEW.address], true);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION public.cn2_catalog_changed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE catalog SET version = version + 1;
    RETURN NULL;
END $$;

CREATE FUNCTION public.cn2_change_use(p_namespace text, p_resource text, p_count bigint) RETURNS void
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.cn2_check_owners() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE kubernetes_object SET owners_unchecked = true WHERE owners && ARRAY[OLD.uid::text];
    RETURN NULL;
END $$;

CREATE FUNCTION public.cn2_control_node_infrastructure() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM cn2_set_infrastructure('ControlNode', OLD.name, '{}', false);
    PERFORM cn2_set_infrastructure('Database', OLD.name, '{}', false);
    RETURN NULL;
END $$;

CREATE FUNCTION public.cn2_count_floating_ips() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.cn2_count_node_ports() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.cn2_count_use() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.cn2_end_rests(p_limit integer) RETURNS integer
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$
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

CREATE FUNCTION public.cn2_endpoint_gone() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$
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

CREATE FUNCTION public.cn2_fill_pool(p_subnet integer, p_want integer) RETURNS integer
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$
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

CREATE FUNCTION public.cn2_forget_kubernetes_objects() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
BEGIN
    DELETE FROM kubernetes_object o USING gone g WHERE o.uid = g.uid;
    UPDATE kubernetes_object o SET owners_unchecked = true FROM gone g WHERE o.owners && ARRAY[g.uid::text];
    RETURN NULL;
END $$;

CREATE FUNCTION public.cn2_give_back(p_subnets integer[], p_addresses inet[]) RETURNS void
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$
BEGIN
    INSERT INTO free_address (subnet_id, address)
        SELECT s.id, a FROM unnest(p_addresses) a JOIN subnet s ON s.id = ANY (p_subnets) AND s.cidr >>= a
        WHERE EXISTS (SELECT FROM subnet_range r WHERE r.subnet_id = s.id AND a BETWEEN r.first AND r.filled_to)
          AND NOT EXISTS (SELECT FROM floating_ip f WHERE f.subnet_id = s.id AND f.address = a)
          AND NOT EXISTS (SELECT FROM resting_address r WHERE r.subnet_id = s.id AND r.address = a)
          AND NOT cn2_is_blocked(s.id, a)
        ON CONFLICT DO NOTHING;
END $$;

CREATE FUNCTION public.cn2_is_blocked(p_subnet integer, p_address inet) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$
BEGIN
    RETURN EXISTS (SELECT FROM infrastructure_address WHERE address = p_address)
        OR ((EXISTS (SELECT FROM interface_address WHERE address = p_address)
             OR EXISTS (SELECT FROM subnet WHERE external_network_uid IS NULL AND cidr >>= p_address AND id <> p_subnet)) AND cn2_is_shared(p_subnet));
END $$;

CREATE FUNCTION public.cn2_is_shared(p_subnet integer) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$
BEGIN
    RETURN EXISTS (SELECT FROM subnet_scope WHERE subnet_id = p_subnet AND scope IN ('underlay', 'service'));
END $$;

CREATE FUNCTION public.cn2_may_be_given(p_subnet integer, p_address inet) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$
BEGIN
    RETURN EXISTS (SELECT FROM subnet_range r WHERE r.subnet_id = p_subnet AND p_address BETWEEN r.first AND r.last)
        AND NOT EXISTS (SELECT FROM floating_ip f WHERE f.subnet_id = p_subnet AND f.address = p_address)
        AND NOT cn2_is_blocked(p_subnet, p_address);
END $$;

CREATE FUNCTION public.cn2_refill(p_subnet integer, p_want integer) RETURNS integer
    LANGUAGE plpgsql
    AS $$
DECLARE
    before inet[];
    after inet[];
BEGIN
    SELECT array_agg(filled_to ORDER BY first) INTO before FROM subnet_range WHERE subnet_id = p_subnet;
    PERFORM 1 FROM subnet WHERE id = p_subnet FOR NO KEY UPDATE;
    SELECT array_agg(filled_to ORDER BY first) INTO after FROM subnet_range WHERE subnet_id = p_subnet;
    IF after IS DISTINCT FROM before
        AND (SELECT count(*) FROM (SELECT FROM free_address WHERE subnet_id = p_subnet LIMIT p_want) f) >= p_want THEN RETURN 0; END IF;
    -- More than this caller wants: all who wait now are served by one filling, batches too.
    RETURN cn2_fill_pool(p_subnet, p_want + least(greatest(7 * p_want, 256), 8192));
END $$;

CREATE FUNCTION public.cn2_refuse_endpoint() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$
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

CREATE FUNCTION public.cn2_refuse_floating_ip() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$
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

CREATE FUNCTION public.cn2_refuse_in_namespace_being_deleted() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF EXISTS (SELECT FROM kubernetes_object WHERE resource = 'namespaces' AND namespace = '' AND name = NEW.namespace AND deleting_at IS NOT NULL) THEN
        RAISE EXCEPTION 'Namespace % is being deleted', NEW.namespace
            USING ERRCODE = 'integrity_constraint_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'namespace_is_not_being_deleted';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION public.cn2_refuse_interface_of_pod() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
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

CREATE FUNCTION public.cn2_refuse_pod_of_interface() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM cn2_take_pod_name(NEW.namespace, NEW.name);
    IF EXISTS (SELECT FROM virtual_machine_interface WHERE namespace = NEW.namespace AND name = NEW.name AND uid <> NEW.uid) THEN
        RAISE EXCEPTION 'VirtualMachineInterface %/%', NEW.namespace, NEW.name USING ERRCODE = 'unique_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'pod_has_its_name_alone';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION public.cn2_refuse_ungranted_endpoint() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.cn2_release_addresses() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$
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

CREATE FUNCTION public.cn2_release_node_ports() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.cn2_scope_added() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.cn2_scope_gone() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.cn2_selectors_written() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE catalog SET selectors_written = selectors_written + 1;
    RETURN NULL;
END $$;

CREATE FUNCTION public.cn2_set_infrastructure(p_kind text, p_name text, p_addresses inet[], p_refuse boolean) RETURNS text
    LANGUAGE plpgsql
    AS $$
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
    -- Kind 5: FloatingIP, 6: VirtualMachineInterface; verb 2: modified.
    INSERT INTO change (kind, namespace, name, uid, verb, status_only)
        SELECT 6, v.namespace, v.name, v.uid, 2, false FROM virtual_machine_interface v
        WHERE v.uid IN (SELECT e.interface_uid FROM interface_address e WHERE e.address = ANY (fresh || gone))
        UNION ALL
        SELECT DISTINCT 5, f.namespace, f.name, f.uid, 2, false
        FROM unnest(fresh || gone) a JOIN subnet s ON s.cidr >>= a JOIN floating_ip f ON f.subnet_id = s.id AND f.address = a;
    -- Not every writer of the infrastructure has changes of its own to tell of.
    IF FOUND THEN PERFORM pg_notify('cn2_change', ''); END IF;
    RETURN holder;
END $$;

CREATE FUNCTION public.cn2_set_node_port_range(p_first integer, p_last integer) RETURNS void
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.cn2_set_owners() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.owners = (SELECT array_agg(r ->> 'uid') FROM json_array_elements(NEW.document #> '{metadata,ownerReferences}') r);
    NEW.owners_unchecked = NEW.owners IS NOT NULL;
    RETURN NEW;
END $$;

CREATE FUNCTION public.cn2_set_subnet_ranges(p_subnet integer, p_first inet[], p_last inet[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM 1 FROM subnet WHERE id = p_subnet FOR NO KEY UPDATE;
    -- Waits for those who are taking addresses now: what they hold is seen by the statements after this one.
    DELETE FROM free_address WHERE subnet_id = p_subnet;
    -- The same for what rests. A new version of each row, because one that is only locked would be taken afterwards by who has looked before.
    UPDATE resting_address SET rests_until = rests_until WHERE subnet_id = p_subnet;
    DELETE FROM subnet_range WHERE subnet_id = p_subnet;
    INSERT INTO subnet_range (subnet_id, first, last) SELECT p_subnet, f, l FROM unnest(p_first, p_last) AS t (f, l);
END $$;

CREATE FUNCTION public.cn2_take(p_subnets integer[], p_counts integer[]) RETURNS TABLE(subnet integer, taken inet, refill boolean)
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.cn2_take(p_subnets integer[], p_counts integer[], p_resting boolean[], p_of integer[], p_namespaces text[], p_names text[]) RETURNS TABLE(entry integer, taken inet, refill boolean, rested_until timestamp with time zone, holder_namespace text, holder_name text)
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$
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

CREATE FUNCTION public.cn2_take_asked(p_subnets integer[], p_addresses inet[]) RETURNS void
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$
BEGIN
    -- Excludes a refill: it does not see the holder before the caller commits, and would put the address into the pool again.
    PERFORM 1 FROM subnet WHERE id = ANY (p_subnets) ORDER BY id FOR SHARE;
    -- In this order: an address whose rest ends meanwhile is free when the second statement looks.
    DELETE FROM resting_address r USING unnest(p_subnets, p_addresses) AS t (s, a) WHERE r.subnet_id = t.s AND r.address = t.a;
    DELETE FROM free_address f USING unnest(p_subnets, p_addresses) AS t (s, a) WHERE f.subnet_id = t.s AND f.address = t.a;
END $$;

CREATE FUNCTION public.cn2_take_node_ports(p_protocols integer[], p_counts integer[]) RETURNS TABLE(proto integer, taken integer)
    LANGUAGE plpgsql
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
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

CREATE FUNCTION public.cn2_take_out(p_subnets integer[], p_addresses inet[]) RETURNS void
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$
BEGIN
    DELETE FROM free_address WHERE ctid = ANY (ARRAY(
        SELECT f.ctid FROM unnest(p_addresses) a JOIN subnet s ON s.id = ANY (p_subnets) AND s.cidr >>= a
            JOIN free_address f ON f.subnet_id = s.id AND f.address = a
        FOR UPDATE OF f SKIP LOCKED));
END $$;

CREATE FUNCTION public.cn2_take_pod_name(p_namespace text, p_name text) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext(p_namespace), hashtext(p_name) & 63);
END $$;

CREATE FUNCTION public.cn2_virtual_router_infrastructure() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN PERFORM cn2_set_infrastructure('VirtualRouter', OLD.name, '{}', true);
    ELSE PERFORM cn2_set_infrastructure('VirtualRouter', NEW.name, ARRAY[NEW.address, NEW.address6], true);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION public.feed_server() RETURNS text
    LANGUAGE plpgsql STABLE
    AS $$
BEGIN
    RETURN CASE WHEN pg_is_in_recovery() THEN NULL
        ELSE (SELECT system_identifier FROM pg_control_system()) || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8) END;
END $$;

CREATE TABLE public."__EFMigrationsHistory" (
    migration_id character varying(150) NOT NULL,
    product_version character varying(32) NOT NULL
);

CREATE TABLE public.access_state (
    singleton boolean DEFAULT true NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    CONSTRAINT access_state_singleton CHECK (singleton)
);

CREATE TABLE public.advertisement (
    control_node text NOT NULL,
    floating_ip_uid uuid NOT NULL,
    routes jsonb NOT NULL,
    path_ids jsonb DEFAULT '{}'::jsonb NOT NULL
);

CREATE TABLE public.agent_ca (
    singleton boolean DEFAULT true NOT NULL,
    certificate text NOT NULL,
    private_key text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT agent_ca_singleton CHECK (singleton)
);

CREATE TABLE public.agent_certificate (
    serial bytea NOT NULL,
    fingerprint bytea NOT NULL,
    virtual_router uuid NOT NULL,
    issued_at timestamp with time zone NOT NULL,
    not_after timestamp with time zone NOT NULL,
    CONSTRAINT agent_certificate_fingerprint_is_sha256 CHECK ((length(fingerprint) = 32)),
    CONSTRAINT agent_certificate_serial_length CHECK ((length(serial) = 16))
);

CREATE TABLE public.agent_certificate_state (
    singleton boolean DEFAULT true NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    CONSTRAINT agent_certificate_state_singleton CHECK (singleton)
);

CREATE TABLE public.agents_applied (
    control_node text NOT NULL,
    run uuid NOT NULL,
    "position" text NOT NULL,
    behind text[] NOT NULL
);

CREATE TABLE public.announcement_writer (
    control_node text NOT NULL,
    last_write bigint NOT NULL
);

CREATE TABLE public.api_token (
    uid uuid NOT NULL,
    name text NOT NULL,
    labels jsonb DEFAULT '{}'::jsonb NOT NULL,
    annotations jsonb DEFAULT '{}'::jsonb NOT NULL,
    generation bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    secret_hash bytea NOT NULL,
    expires_at timestamp with time zone,
    last_used_at timestamp with time zone,
    CONSTRAINT api_token_secret_hash_is_sha256 CHECK ((length(secret_hash) = 32))
);

CREATE TABLE public.audit (
    at timestamp with time zone NOT NULL,
    id bigint NOT NULL,
    caller_kind text NOT NULL,
    caller text NOT NULL,
    source inet,
    request_id text NOT NULL,
    method text NOT NULL,
    path text NOT NULL,
    verb text NOT NULL,
    resource text,
    namespace text,
    name text,
    uid uuid,
    generation bigint,
    status smallint NOT NULL,
    code text,
    dry_run boolean NOT NULL,
    changes text[],
    repeated integer NOT NULL
);

ALTER TABLE public.audit ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.bgp_router (
    uid uuid NOT NULL,
    address inet NOT NULL,
    spec jsonb NOT NULL,
    auth_key text,
    name text NOT NULL,
    labels jsonb NOT NULL,
    annotations jsonb NOT NULL,
    generation bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL
);

CREATE TABLE public.catalog (
    singleton boolean DEFAULT true NOT NULL,
    version bigint NOT NULL,
    selectors_written bigint DEFAULT 0 NOT NULL,
    CONSTRAINT catalog_singleton_check CHECK (singleton)
);

CREATE TABLE public.change (
    id bigint NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    kind smallint NOT NULL,
    namespace text,
    name text NOT NULL,
    uid uuid NOT NULL,
    verb smallint NOT NULL,
    status_only boolean NOT NULL,
    document jsonb,
    at timestamp with time zone DEFAULT now() NOT NULL,
    horizon xid8 DEFAULT pg_snapshot_xmin(pg_current_snapshot())
);

CREATE TABLE public.change_horizon (
    singleton boolean DEFAULT true NOT NULL,
    xid xid8 NOT NULL,
    id bigint NOT NULL,
    snapshot text,
    CONSTRAINT change_horizon_singleton_check CHECK (singleton)
);

ALTER TABLE public.change ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.change_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.control_node (
    name text NOT NULL,
    last_seen_at timestamp with time zone NOT NULL,
    restart_time_seconds integer NOT NULL,
    sessions jsonb NOT NULL,
    engine_bound boolean DEFAULT false NOT NULL,
    engine_running boolean DEFAULT false NOT NULL,
    leader boolean DEFAULT false NOT NULL,
    address inet,
    version text DEFAULT ''::text NOT NULL,
    feed_held_back_by text,
    feed_behind_seconds double precision DEFAULT 0 NOT NULL,
    rows_restored boolean DEFAULT false NOT NULL,
    reads_protected_secrets boolean DEFAULT false NOT NULL,
    takes_agents boolean DEFAULT true NOT NULL,
    rows_lost boolean DEFAULT false NOT NULL
);

CREATE TABLE public.event (
    id bigint NOT NULL,
    kind smallint NOT NULL,
    namespace text,
    name text NOT NULL,
    at timestamp with time zone NOT NULL,
    type text NOT NULL,
    reason text NOT NULL,
    message text NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL
);

ALTER TABLE public.event ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.external_network (
    uid uuid NOT NULL,
    number integer NOT NULL,
    fabric_forwarding boolean NOT NULL,
    auto_assign boolean NOT NULL,
    priority integer NOT NULL,
    spec jsonb NOT NULL,
    name text NOT NULL,
    labels jsonb NOT NULL,
    annotations jsonb NOT NULL,
    generation bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    namespace text NOT NULL,
    quarantine_seconds integer DEFAULT 30 NOT NULL,
    CONSTRAINT external_network_number_range CHECK (((number >= 1) AND (number <= 65535))),
    CONSTRAINT external_network_quarantine_range CHECK (((quarantine_seconds >= 0) AND (quarantine_seconds <= 86400)))
);

CREATE TABLE public.external_network_selector (
    uid uuid NOT NULL,
    spec jsonb NOT NULL,
    name text NOT NULL,
    labels jsonb NOT NULL,
    annotations jsonb NOT NULL,
    generation bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL
);

CREATE TABLE public.feed_epoch (
    singleton boolean DEFAULT true NOT NULL,
    epoch uuid NOT NULL,
    server text NOT NULL,
    written_by xid8 NOT NULL,
    begun_at timestamp with time zone NOT NULL,
    number integer DEFAULT 1 NOT NULL,
    CONSTRAINT feed_epoch_singleton_check CHECK (singleton)
);

CREATE TABLE public.feed_snapshot (
    at timestamp with time zone NOT NULL,
    snapshot text NOT NULL
);

CREATE TABLE public.floating_ip (
    uid uuid NOT NULL,
    subnet_id integer NOT NULL,
    subnet_cidr cidr NOT NULL,
    address inet NOT NULL,
    external_network_uid uuid,
    service_uid uuid,
    reserved boolean NOT NULL,
    spec jsonb NOT NULL,
    deleting_at timestamp with time zone,
    name text NOT NULL,
    labels jsonb NOT NULL,
    annotations jsonb NOT NULL,
    generation bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    namespace text NOT NULL,
    CONSTRAINT floating_ip_host_address CHECK ((masklen(address) =
CASE family(address)
    WHEN 4 THEN 32
    ELSE 128
END)),
    CONSTRAINT floating_ip_inside_subnet CHECK ((address <<= (subnet_cidr)::inet))
);

CREATE TABLE public.floating_ip_status (
    uid uuid NOT NULL,
    document jsonb NOT NULL
);

CREATE TABLE public.free_address (
    subnet_id integer NOT NULL,
    address inet NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0.0', autovacuum_vacuum_threshold='5000');

CREATE TABLE public.free_node_port (
    port integer NOT NULL,
    protocol smallint NOT NULL
);

CREATE TABLE public.grant_prefix (
    namespace text NOT NULL,
    prefix cidr NOT NULL
);

CREATE TABLE public.grant_use (
    namespace text NOT NULL,
    services bigint NOT NULL,
    floating_ips bigint NOT NULL,
    node_ports bigint NOT NULL,
    virtual_machine_interfaces bigint NOT NULL,
    external_networks bigint NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE public.idempotency_key (
    key text NOT NULL,
    path text NOT NULL,
    body_hash bytea NOT NULL,
    status_code integer NOT NULL,
    location text,
    e_tag text,
    body text NOT NULL,
    created_at timestamp with time zone NOT NULL
);

CREATE TABLE public.infrastructure_address (
    kind text NOT NULL,
    name text NOT NULL,
    address inet NOT NULL
);

CREATE TABLE public.interface_address (
    virtual_router text NOT NULL,
    address inet NOT NULL,
    interface_uid uuid NOT NULL
);

CREATE TABLE public.join_token (
    virtual_router uuid NOT NULL,
    secret_hash bytea NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    CONSTRAINT join_token_secret_hash_is_sha256 CHECK ((length(secret_hash) = 32))
);

CREATE TABLE public.kubernetes_object (
    resource text NOT NULL,
    uid uuid NOT NULL,
    namespace text NOT NULL,
    name text NOT NULL,
    document json NOT NULL,
    is_alone boolean NOT NULL,
    generation bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    deleting_at timestamp with time zone,
    namespace_alone text GENERATED ALWAYS AS (
CASE
    WHEN is_alone THEN NULLIF(namespace, ''::text)
    ELSE NULL::text
END) STORED,
    owners text[],
    owners_unchecked boolean DEFAULT false NOT NULL,
    by_operator boolean DEFAULT false NOT NULL,
    waits_for text
);

CREATE TABLE public.leader_lease (
    singleton boolean DEFAULT true NOT NULL,
    control_node text NOT NULL,
    run uuid NOT NULL,
    fence bigint NOT NULL,
    renewed_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT leader_lease_singleton_check CHECK (singleton)
);

CREATE TABLE public.namespace (
    uid uuid NOT NULL,
    name text NOT NULL,
    labels jsonb NOT NULL,
    annotations jsonb NOT NULL,
    generation bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL
);

CREATE TABLE public.namespace_grant (
    uid uuid NOT NULL,
    namespace text NOT NULL,
    labels jsonb DEFAULT '{}'::jsonb NOT NULL,
    annotations jsonb DEFAULT '{}'::jsonb NOT NULL,
    generation bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    spec jsonb NOT NULL,
    endpoint_prefixes cidr[],
    most_services integer,
    most_floating_ips integer,
    most_node_ports integer,
    most_virtual_machine_interfaces integer,
    most_external_networks integer
);

CREATE TABLE public.node_port (
    port integer NOT NULL,
    protocol smallint NOT NULL,
    service_uid uuid NOT NULL
);

CREATE TABLE public.node_port_range (
    singleton boolean DEFAULT true NOT NULL,
    first integer NOT NULL,
    last integer NOT NULL,
    CONSTRAINT node_port_range_singleton_check CHECK (singleton)
);

CREATE TABLE public.owed_session (
    control_node text NOT NULL,
    router_address text NOT NULL
);

CREATE TABLE public.protection_key (
    id uuid NOT NULL,
    number bigint NOT NULL,
    certificate text,
    document text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE public.protection_key ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.protection_key_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.resting_address (
    subnet_id integer NOT NULL,
    address inet NOT NULL,
    rests_until timestamp with time zone NOT NULL,
    last_namespace text NOT NULL,
    last_name text NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0.0', autovacuum_vacuum_threshold='5000');

CREATE TABLE public.role_binding (
    uid uuid NOT NULL,
    name text NOT NULL,
    labels jsonb DEFAULT '{}'::jsonb NOT NULL,
    annotations jsonb DEFAULT '{}'::jsonb NOT NULL,
    generation bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    subjects jsonb NOT NULL,
    role text NOT NULL,
    namespaces text[] NOT NULL,
    CONSTRAINT role_binding_role CHECK ((role = ANY (ARRAY['viewer'::text, 'editor'::text, 'operator'::text, 'admin'::text])))
);

CREATE TABLE public.service (
    uid uuid NOT NULL,
    spec jsonb NOT NULL,
    pending_reason text,
    pending_message text,
    deleting_at timestamp with time zone,
    name text NOT NULL,
    labels jsonb NOT NULL,
    annotations jsonb NOT NULL,
    generation bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    namespace text NOT NULL
);

CREATE TABLE public.service_health_check (
    uid uuid NOT NULL,
    spec jsonb NOT NULL,
    name text NOT NULL,
    labels jsonb NOT NULL,
    annotations jsonb NOT NULL,
    generation bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    namespace text NOT NULL
);

CREATE TABLE public.service_status (
    uid uuid NOT NULL,
    document jsonb NOT NULL
);

CREATE TABLE public.session_turn (
    router_address text NOT NULL,
    control_node text NOT NULL,
    taken_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

CREATE TABLE public.subnet (
    id integer NOT NULL,
    external_network_uid uuid,
    cidr cidr NOT NULL,
    gateway inet,
    "position" integer NOT NULL
);

ALTER TABLE public.subnet ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.subnet_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.subnet_range (
    subnet_id integer NOT NULL,
    first inet NOT NULL,
    last inet NOT NULL,
    filled_to inet,
    CONSTRAINT subnet_range_check CHECK ((first <= last))
);

CREATE TABLE public.subnet_scope (
    subnet_id integer NOT NULL,
    scope text NOT NULL,
    cidr cidr NOT NULL
);

CREATE TABLE public.virtual_machine_interface (
    uid uuid NOT NULL,
    virtual_router text NOT NULL,
    addresses inet[] NOT NULL,
    ready boolean NOT NULL,
    health_check text,
    health text NOT NULL,
    health_message text,
    health_changed_at timestamp with time zone,
    name text NOT NULL,
    labels jsonb NOT NULL,
    annotations jsonb NOT NULL,
    generation bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    namespace text NOT NULL,
    health_downs integer DEFAULT 0 NOT NULL,
    health_down_at timestamp with time zone,
    health_held_until timestamp with time zone,
    weight integer DEFAULT 1 NOT NULL,
    CONSTRAINT virtual_machine_interface_weight_range CHECK (((weight >= 1) AND (weight <= 100)))
);

CREATE TABLE public.virtual_router (
    uid uuid NOT NULL,
    address inet NOT NULL,
    address6 inet,
    admin_down boolean NOT NULL,
    name text NOT NULL,
    labels jsonb NOT NULL,
    annotations jsonb NOT NULL,
    generation bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL
);

CREATE TABLE public.virtual_router_intruder (
    uid uuid NOT NULL,
    reason text NOT NULL,
    message text NOT NULL,
    since timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL
);

CREATE TABLE public.virtual_router_status (
    uid uuid NOT NULL,
    connected boolean NOT NULL,
    control_node text,
    last_seen_at timestamp with time zone,
    lost boolean NOT NULL,
    desired_revision bigint NOT NULL,
    applied_revision bigint NOT NULL,
    applied_position bigint NOT NULL,
    agent_version text,
    message text,
    overlay_engine text,
    refused text,
    agent_instance text,
    agent_source inet,
    agent_connection bigint DEFAULT 0 NOT NULL,
    held_at timestamp with time zone,
    lost_at timestamp with time zone,
    applied_snapshot text,
    forwarding text,
    forwards text,
    forwards_since timestamp with time zone,
    vanished_at timestamp with time zone
);

ALTER TABLE ONLY public.access_state
    ADD CONSTRAINT access_state_pkey PRIMARY KEY (singleton);

ALTER TABLE public.agent_ca
    ADD CONSTRAINT agent_ca_created_at_range CHECK (((created_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (created_at < '9999-12-31 00:00:00+00'::timestamp with time zone))) NOT VALID;

ALTER TABLE ONLY public.agent_certificate
    ADD CONSTRAINT agent_certificate_fingerprint UNIQUE (fingerprint);

ALTER TABLE ONLY public.agents_applied
    ADD CONSTRAINT agents_applied_pkey PRIMARY KEY (control_node);

ALTER TABLE ONLY public.namespace
    ADD CONSTRAINT ak_namespaces_name UNIQUE (name);

ALTER TABLE ONLY public.announcement_writer
    ADD CONSTRAINT announcement_writer_pkey PRIMARY KEY (control_node);

ALTER TABLE public.api_token
    ADD CONSTRAINT api_token_created_at_range CHECK (((created_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (created_at < '9999-12-31 00:00:00+00'::timestamp with time zone))) NOT VALID;

ALTER TABLE ONLY public.api_token
    ADD CONSTRAINT api_token_name UNIQUE (name);

ALTER TABLE ONLY public.api_token
    ADD CONSTRAINT api_token_secret_hash UNIQUE (secret_hash);

ALTER TABLE public.api_token
    ADD CONSTRAINT api_token_updated_at_range CHECK (((updated_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (updated_at < '9999-12-31 00:00:00+00'::timestamp with time zone))) NOT VALID;

ALTER TABLE ONLY public.bgp_router
    ADD CONSTRAINT bgp_router_address UNIQUE (address);

ALTER TABLE public.bgp_router
    ADD CONSTRAINT bgp_router_created_at_range CHECK (((created_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (created_at < '9999-12-31 00:00:00+00'::timestamp with time zone))) NOT VALID;

ALTER TABLE public.bgp_router
    ADD CONSTRAINT bgp_router_updated_at_range CHECK (((updated_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (updated_at < '9999-12-31 00:00:00+00'::timestamp with time zone))) NOT VALID;

ALTER TABLE ONLY public.catalog
    ADD CONSTRAINT catalog_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY public.change_horizon
    ADD CONSTRAINT change_horizon_pkey PRIMARY KEY (singleton);

ALTER TABLE public.external_network
    ADD CONSTRAINT external_network_created_at_range CHECK (((created_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (created_at < '9999-12-31 00:00:00+00'::timestamp with time zone))) NOT VALID;

ALTER TABLE public.external_network_selector
    ADD CONSTRAINT external_network_selector_created_at_range CHECK (((created_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (created_at < '9999-12-31 00:00:00+00'::timestamp with time zone))) NOT VALID;

ALTER TABLE public.external_network_selector
    ADD CONSTRAINT external_network_selector_updated_at_range CHECK (((updated_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (updated_at < '9999-12-31 00:00:00+00'::timestamp with time zone))) NOT VALID;

ALTER TABLE public.external_network
    ADD CONSTRAINT external_network_updated_at_range CHECK (((updated_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (updated_at < '9999-12-31 00:00:00+00'::timestamp with time zone))) NOT VALID;

ALTER TABLE ONLY public.feed_epoch
    ADD CONSTRAINT feed_epoch_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY public.floating_ip
    ADD CONSTRAINT floating_ip_address UNIQUE (subnet_id, address);

ALTER TABLE public.floating_ip
    ADD CONSTRAINT floating_ip_created_at_range CHECK (((created_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (created_at < '9999-12-31 00:00:00+00'::timestamp with time zone))) NOT VALID;

ALTER TABLE public.floating_ip
    ADD CONSTRAINT floating_ip_deleting_at_range CHECK (((deleting_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (deleting_at < '9999-12-31 00:00:00+00'::timestamp with time zone))) NOT VALID;

ALTER TABLE public.floating_ip
    ADD CONSTRAINT floating_ip_updated_at_range CHECK (((updated_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (updated_at < '9999-12-31 00:00:00+00'::timestamp with time zone))) NOT VALID;

ALTER TABLE ONLY public.free_address
    ADD CONSTRAINT free_address_pkey PRIMARY KEY (subnet_id, address);

ALTER TABLE ONLY public.grant_prefix
    ADD CONSTRAINT grant_overlap EXCLUDE USING gist (namespace WITH <>, prefix inet_ops WITH &&);

ALTER TABLE ONLY public.grant_prefix
    ADD CONSTRAINT grant_prefix_pkey PRIMARY KEY (namespace, prefix);

ALTER TABLE ONLY public.grant_use
    ADD CONSTRAINT grant_use_pkey PRIMARY KEY (namespace);

ALTER TABLE public.idempotency_key
    ADD CONSTRAINT idempotency_key_created_at_range CHECK (((created_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (created_at < '9999-12-31 00:00:00+00'::timestamp with time zone))) NOT VALID;

ALTER TABLE ONLY public.interface_address
    ADD CONSTRAINT interface_address_once PRIMARY KEY (virtual_router, address);

ALTER TABLE ONLY public.join_token
    ADD CONSTRAINT join_token_secret_hash UNIQUE (secret_hash);

ALTER TABLE public.kubernetes_object
    ADD CONSTRAINT kubernetes_object_created_at_range CHECK (((created_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (created_at < '9999-12-31 00:00:00+00'::timestamp with time zone))) NOT VALID;

ALTER TABLE public.kubernetes_object
    ADD CONSTRAINT kubernetes_object_deleting_at_range CHECK (((deleting_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (deleting_at < '9999-12-31 00:00:00+00'::timestamp with time zone))) NOT VALID;

ALTER TABLE ONLY public.leader_lease
    ADD CONSTRAINT leader_lease_pkey PRIMARY KEY (singleton);

ALTER TABLE public.namespace
    ADD CONSTRAINT namespace_created_at_range CHECK (((created_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (created_at < '9999-12-31 00:00:00+00'::timestamp with time zone))) NOT VALID;

ALTER TABLE public.namespace_grant
    ADD CONSTRAINT namespace_grant_created_at_range CHECK (((created_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (created_at < '9999-12-31 00:00:00+00'::timestamp with time zone))) NOT VALID;

ALTER TABLE ONLY public.namespace_grant
    ADD CONSTRAINT namespace_grant_namespace UNIQUE (namespace);

ALTER TABLE public.namespace_grant
    ADD CONSTRAINT namespace_grant_updated_at_range CHECK (((updated_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (updated_at < '9999-12-31 00:00:00+00'::timestamp with time zone))) NOT VALID;

ALTER TABLE public.namespace
    ADD CONSTRAINT namespace_updated_at_range CHECK (((updated_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (updated_at < '9999-12-31 00:00:00+00'::timestamp with time zone))) NOT VALID;

ALTER TABLE ONLY public.node_port_range
    ADD CONSTRAINT node_port_range_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY public.owed_session
    ADD CONSTRAINT owed_session_pkey PRIMARY KEY (control_node, router_address);

ALTER TABLE ONLY public."__EFMigrationsHistory"
    ADD CONSTRAINT pk___ef_migrations_history PRIMARY KEY (migration_id);

ALTER TABLE ONLY public.advertisement
    ADD CONSTRAINT pk_advertisement PRIMARY KEY (floating_ip_uid, control_node);

ALTER TABLE ONLY public.agent_ca
    ADD CONSTRAINT pk_agent_ca PRIMARY KEY (singleton);

ALTER TABLE ONLY public.agent_certificate
    ADD CONSTRAINT pk_agent_certificate PRIMARY KEY (serial);

ALTER TABLE ONLY public.agent_certificate_state
    ADD CONSTRAINT pk_agent_certificate_state PRIMARY KEY (singleton);

ALTER TABLE ONLY public.api_token
    ADD CONSTRAINT pk_api_token PRIMARY KEY (uid);

ALTER TABLE ONLY public.audit
    ADD CONSTRAINT pk_audit PRIMARY KEY (at, id);

ALTER TABLE ONLY public.bgp_router
    ADD CONSTRAINT pk_bgp_router PRIMARY KEY (uid);

ALTER TABLE ONLY public.change
    ADD CONSTRAINT pk_change PRIMARY KEY (id);

ALTER TABLE ONLY public.control_node
    ADD CONSTRAINT pk_control_node PRIMARY KEY (name);

ALTER TABLE ONLY public.event
    ADD CONSTRAINT pk_event PRIMARY KEY (id);

ALTER TABLE ONLY public.external_network
    ADD CONSTRAINT pk_external_network PRIMARY KEY (uid);

ALTER TABLE ONLY public.external_network_selector
    ADD CONSTRAINT pk_external_network_selector PRIMARY KEY (uid);

ALTER TABLE ONLY public.floating_ip
    ADD CONSTRAINT pk_floating_ip PRIMARY KEY (uid);

ALTER TABLE ONLY public.floating_ip_status
    ADD CONSTRAINT pk_floating_ip_status PRIMARY KEY (uid);

ALTER TABLE ONLY public.free_node_port
    ADD CONSTRAINT pk_free_node_port PRIMARY KEY (protocol, port);

ALTER TABLE ONLY public.idempotency_key
    ADD CONSTRAINT pk_idempotency_key PRIMARY KEY (key, path);

ALTER TABLE ONLY public.infrastructure_address
    ADD CONSTRAINT pk_infrastructure_address PRIMARY KEY (address, kind, name);

ALTER TABLE ONLY public.join_token
    ADD CONSTRAINT pk_join_token PRIMARY KEY (virtual_router);

ALTER TABLE ONLY public.kubernetes_object
    ADD CONSTRAINT pk_kubernetes_object PRIMARY KEY (resource, uid);

ALTER TABLE ONLY public.namespace
    ADD CONSTRAINT pk_namespace PRIMARY KEY (uid);

ALTER TABLE ONLY public.namespace_grant
    ADD CONSTRAINT pk_namespace_grant PRIMARY KEY (uid);

ALTER TABLE ONLY public.node_port
    ADD CONSTRAINT pk_node_port PRIMARY KEY (port, protocol);

ALTER TABLE ONLY public.protection_key
    ADD CONSTRAINT pk_protection_key PRIMARY KEY (id);

ALTER TABLE ONLY public.role_binding
    ADD CONSTRAINT pk_role_binding PRIMARY KEY (uid);

ALTER TABLE ONLY public.service
    ADD CONSTRAINT pk_service PRIMARY KEY (uid);

ALTER TABLE ONLY public.service_health_check
    ADD CONSTRAINT pk_service_health_check PRIMARY KEY (uid);

ALTER TABLE ONLY public.service_status
    ADD CONSTRAINT pk_service_status PRIMARY KEY (uid);

ALTER TABLE ONLY public.subnet
    ADD CONSTRAINT pk_subnet PRIMARY KEY (id);

ALTER TABLE ONLY public.virtual_machine_interface
    ADD CONSTRAINT pk_virtual_machine_interface PRIMARY KEY (uid);

ALTER TABLE ONLY public.virtual_router
    ADD CONSTRAINT pk_virtual_router PRIMARY KEY (uid);

ALTER TABLE ONLY public.virtual_router_intruder
    ADD CONSTRAINT pk_virtual_router_intruder PRIMARY KEY (uid, reason);

ALTER TABLE ONLY public.virtual_router_status
    ADD CONSTRAINT pk_virtual_router_status PRIMARY KEY (uid);

ALTER TABLE public.protection_key
    ADD CONSTRAINT protection_key_created_at_range CHECK (((created_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (created_at < '9999-12-31 00:00:00+00'::timestamp with time zone))) NOT VALID;

ALTER TABLE ONLY public.protection_key
    ADD CONSTRAINT protection_key_number UNIQUE (number);

ALTER TABLE ONLY public.resting_address
    ADD CONSTRAINT resting_address_pkey PRIMARY KEY (subnet_id, address);

ALTER TABLE public.role_binding
    ADD CONSTRAINT role_binding_created_at_range CHECK (((created_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (created_at < '9999-12-31 00:00:00+00'::timestamp with time zone))) NOT VALID;

ALTER TABLE ONLY public.role_binding
    ADD CONSTRAINT role_binding_name UNIQUE (name);

ALTER TABLE public.role_binding
    ADD CONSTRAINT role_binding_updated_at_range CHECK (((updated_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (updated_at < '9999-12-31 00:00:00+00'::timestamp with time zone))) NOT VALID;

ALTER TABLE public.service
    ADD CONSTRAINT service_created_at_range CHECK (((created_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (created_at < '9999-12-31 00:00:00+00'::timestamp with time zone))) NOT VALID;

ALTER TABLE public.service
    ADD CONSTRAINT service_deleting_at_range CHECK (((deleting_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (deleting_at < '9999-12-31 00:00:00+00'::timestamp with time zone))) NOT VALID;

ALTER TABLE public.service_health_check
    ADD CONSTRAINT service_health_check_created_at_range CHECK (((created_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (created_at < '9999-12-31 00:00:00+00'::timestamp with time zone))) NOT VALID;

ALTER TABLE public.service_health_check
    ADD CONSTRAINT service_health_check_updated_at_range CHECK (((updated_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (updated_at < '9999-12-31 00:00:00+00'::timestamp with time zone))) NOT VALID;

ALTER TABLE public.service
    ADD CONSTRAINT service_updated_at_range CHECK (((updated_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (updated_at < '9999-12-31 00:00:00+00'::timestamp with time zone))) NOT VALID;

ALTER TABLE ONLY public.session_turn
    ADD CONSTRAINT session_turn_pkey PRIMARY KEY (router_address);

ALTER TABLE ONLY public.subnet
    ADD CONSTRAINT subnet_id_cidr UNIQUE (id, cidr);

ALTER TABLE ONLY public.subnet_scope
    ADD CONSTRAINT subnet_overlap EXCLUDE USING gist (scope WITH =, cidr inet_ops WITH &&);

ALTER TABLE ONLY public.subnet_range
    ADD CONSTRAINT subnet_range_pkey PRIMARY KEY (subnet_id, first);

ALTER TABLE ONLY public.subnet_scope
    ADD CONSTRAINT subnet_scope_pkey PRIMARY KEY (subnet_id, scope);

ALTER TABLE public.virtual_machine_interface
    ADD CONSTRAINT virtual_machine_interface_addresses_known CHECK ((cardinality(addresses) = cardinality(array_remove(addresses, NULL::inet)))) NOT VALID;

ALTER TABLE public.virtual_machine_interface
    ADD CONSTRAINT virtual_machine_interface_created_at_range CHECK (((created_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (created_at < '9999-12-31 00:00:00+00'::timestamp with time zone))) NOT VALID;

ALTER TABLE public.virtual_machine_interface
    ADD CONSTRAINT virtual_machine_interface_updated_at_range CHECK (((updated_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (updated_at < '9999-12-31 00:00:00+00'::timestamp with time zone))) NOT VALID;

ALTER TABLE ONLY public.virtual_router
    ADD CONSTRAINT virtual_router_address UNIQUE (address);

ALTER TABLE public.virtual_router
    ADD CONSTRAINT virtual_router_created_at_range CHECK (((created_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (created_at < '9999-12-31 00:00:00+00'::timestamp with time zone))) NOT VALID;

ALTER TABLE public.virtual_router
    ADD CONSTRAINT virtual_router_updated_at_range CHECK (((updated_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (updated_at < '9999-12-31 00:00:00+00'::timestamp with time zone))) NOT VALID;

CREATE INDEX ix_agent_certificate_virtual_router ON public.agent_certificate USING btree (virtual_router);

CREATE INDEX ix_audit_caller_namespace ON public.audit USING brin (caller text_bloom_ops (n_distinct_per_range='1000'), namespace text_bloom_ops (n_distinct_per_range='1000'));

CREATE INDEX ix_audit_name_resource ON public.audit USING brin (name text_bloom_ops (n_distinct_per_range='4000'), resource text_bloom_ops (n_distinct_per_range='64'));

CREATE INDEX ix_audit_request_id ON public.audit USING brin (request_id text_bloom_ops (n_distinct_per_range='4000'));

CREATE INDEX ix_bgp_router_labels ON public.bgp_router USING gin (labels);

CREATE UNIQUE INDEX ix_bgp_router_name ON public.bgp_router USING btree (name);

CREATE INDEX ix_change_at ON public.change USING btree (at);

CREATE INDEX ix_change_uid_xid ON public.change USING btree (uid, xid);

CREATE INDEX ix_change_xid_id ON public.change USING btree (xid, id);

CREATE INDEX ix_event_at ON public.event USING btree (at);

CREATE INDEX ix_event_kind_namespace_name_id ON public.event USING btree (kind, namespace, name, id);

CREATE INDEX ix_event_xid ON public.event USING btree (xid);

CREATE INDEX ix_external_network_labels ON public.external_network USING gin (labels);

CREATE UNIQUE INDEX ix_external_network_namespace_name ON public.external_network USING btree (namespace, name);

CREATE UNIQUE INDEX ix_external_network_number ON public.external_network USING btree (number);

CREATE INDEX ix_external_network_selector_labels ON public.external_network_selector USING gin (labels);

CREATE UNIQUE INDEX ix_external_network_selector_name ON public.external_network_selector USING btree (name);

CREATE INDEX ix_feed_snapshot_at ON public.feed_snapshot USING btree (at);

CREATE UNIQUE INDEX ix_floating_ip_namespace_name ON public.floating_ip USING btree (namespace, name);

CREATE INDEX ix_floating_ip_service_uid ON public.floating_ip USING btree (service_uid);

CREATE INDEX ix_idempotency_key_created_at ON public.idempotency_key USING btree (created_at);

CREATE INDEX ix_infrastructure_address_kind_name ON public.infrastructure_address USING btree (kind, name);

CREATE INDEX ix_interface_address_address ON public.interface_address USING btree (address);

CREATE INDEX ix_interface_address_interface_uid ON public.interface_address USING btree (interface_uid);

CREATE INDEX ix_kubernetes_object_deleting ON public.kubernetes_object USING btree (uid) WHERE (deleting_at IS NOT NULL);

CREATE INDEX ix_kubernetes_object_namespace_alone ON public.kubernetes_object USING btree (namespace_alone) WHERE (namespace_alone IS NOT NULL);

CREATE UNIQUE INDEX ix_kubernetes_object_namespace_name ON public.kubernetes_object USING btree (resource, namespace, name);

CREATE INDEX ix_kubernetes_object_owners ON public.kubernetes_object USING gin (owners) WHERE (owners IS NOT NULL);

CREATE INDEX ix_kubernetes_object_owners_unchecked ON public.kubernetes_object USING btree (uid) WHERE owners_unchecked;

CREATE INDEX ix_kubernetes_object_uid ON public.kubernetes_object USING btree (uid);

CREATE INDEX ix_kubernetes_object_v4_subnet ON public.kubernetes_object USING btree (((document #>> '{spec,v4SubnetReference,name}'::text[]))) WHERE (resource = 'virtualnetworks.core.contrail.juniper.net'::text);

CREATE INDEX ix_kubernetes_object_v6_subnet ON public.kubernetes_object USING btree (((document #>> '{spec,v6SubnetReference,name}'::text[]))) WHERE (resource = 'virtualnetworks.core.contrail.juniper.net'::text);

CREATE INDEX ix_kubernetes_object_waiting ON public.kubernetes_object USING btree (uid) WHERE ((resource = 'virtualnetworks.core.contrail.juniper.net'::text) AND is_alone AND (deleting_at IS NULL));

CREATE INDEX ix_namespace_labels ON public.namespace USING gin (labels);

CREATE INDEX ix_node_port_service_uid ON public.node_port USING btree (service_uid);

CREATE INDEX ix_resting_address_last_namespace_last_name ON public.resting_address USING btree (last_namespace, last_name);

CREATE INDEX ix_resting_address_rests_until ON public.resting_address USING btree (rests_until);

CREATE INDEX ix_resting_address_subnet_id_rests_until ON public.resting_address USING btree (subnet_id, rests_until);

CREATE INDEX ix_service_deleting_at ON public.service USING btree (deleting_at) WHERE (deleting_at IS NOT NULL);

CREATE INDEX ix_service_health_check_labels ON public.service_health_check USING gin (labels);

CREATE UNIQUE INDEX ix_service_health_check_namespace_name ON public.service_health_check USING btree (namespace, name);

CREATE INDEX ix_service_labels ON public.service USING gin (labels);

CREATE UNIQUE INDEX ix_service_namespace_name ON public.service USING btree (namespace, name);

CREATE INDEX ix_service_pending_reason ON public.service USING btree (pending_reason) WHERE (pending_reason IS NOT NULL);

CREATE INDEX ix_subnet_external_network_uid ON public.subnet USING btree (external_network_uid);

CREATE INDEX ix_virtual_machine_interface_health_held_until ON public.virtual_machine_interface USING btree (health_held_until) WHERE (health_held_until IS NOT NULL);

CREATE INDEX ix_virtual_machine_interface_labels ON public.virtual_machine_interface USING gin (labels);

CREATE UNIQUE INDEX ix_virtual_machine_interface_namespace_name ON public.virtual_machine_interface USING btree (namespace, name);

CREATE INDEX ix_virtual_machine_interface_virtual_router ON public.virtual_machine_interface USING btree (virtual_router);

CREATE INDEX ix_virtual_router_labels ON public.virtual_router USING gin (labels);

CREATE UNIQUE INDEX ix_virtual_router_name ON public.virtual_router USING btree (name);

CREATE TRIGGER access_changed AFTER INSERT OR DELETE OR UPDATE OF name, secret_hash, expires_at ON public.api_token FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_access_changed();

CREATE TRIGGER access_changed AFTER INSERT OR DELETE OR UPDATE OF subjects, role, namespaces ON public.role_binding FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_access_changed();

CREATE TRIGGER bgp_router_forgets_kubernetes_objects AFTER DELETE ON public.bgp_router REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_forget_kubernetes_objects();

CREATE TRIGGER catalog_changed AFTER INSERT OR DELETE OR UPDATE ON public.external_network FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_catalog_changed();

CREATE TRIGGER catalog_changed AFTER INSERT OR DELETE OR UPDATE ON public.external_network_selector FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_catalog_changed();

CREATE TRIGGER catalog_changed AFTER INSERT OR DELETE OR UPDATE ON public.namespace FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_catalog_changed();

CREATE TRIGGER catalog_changed AFTER INSERT OR DELETE OR UPDATE ON public.namespace_grant FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_catalog_changed();

CREATE TRIGGER catalog_changed AFTER INSERT OR DELETE OR UPDATE ON public.subnet FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_catalog_changed();

CREATE TRIGGER certificates_added AFTER INSERT ON public.agent_certificate REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_agent_certificates_changed();

CREATE TRIGGER certificates_removed AFTER DELETE ON public.agent_certificate REFERENCING OLD TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_agent_certificates_changed();

CREATE TRIGGER check_owners AFTER DELETE ON public.kubernetes_object FOR EACH ROW WHEN (old.is_alone) EXECUTE FUNCTION public.cn2_check_owners();

CREATE TRIGGER count_added AFTER INSERT ON public.external_network REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_count_use('externalNetworks');

CREATE TRIGGER count_added AFTER INSERT ON public.floating_ip REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_count_floating_ips('floatingIPs');

CREATE TRIGGER count_added AFTER INSERT ON public.node_port REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_count_node_ports('nodePorts');

CREATE TRIGGER count_added AFTER INSERT ON public.service REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_count_use('services');

CREATE TRIGGER count_added AFTER INSERT ON public.virtual_machine_interface REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_count_use('virtualMachineInterfaces');

CREATE TRIGGER count_gone AFTER DELETE ON public.external_network REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_count_use('externalNetworks');

CREATE TRIGGER count_gone AFTER DELETE ON public.floating_ip REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_count_floating_ips('floatingIPs');

CREATE TRIGGER count_gone AFTER DELETE ON public.node_port REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_count_node_ports('nodePorts');

CREATE TRIGGER count_gone AFTER DELETE ON public.service REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_count_use('services');

CREATE TRIGGER count_gone AFTER DELETE ON public.virtual_machine_interface REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_count_use('virtualMachineInterfaces');

CREATE TRIGGER external_network_forgets_kubernetes_objects AFTER DELETE ON public.external_network REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_forget_kubernetes_objects();

CREATE TRIGGER external_network_selector_forgets_kubernetes_objects AFTER DELETE ON public.external_network_selector REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_forget_kubernetes_objects();

CREATE TRIGGER fill_anew AFTER DELETE ON public.subnet_scope REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_scope_gone();

CREATE TRIGGER floating_ip_forgets_kubernetes_objects AFTER DELETE ON public.floating_ip REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_forget_kubernetes_objects();

CREATE TRIGGER give_back AFTER DELETE ON public.interface_address REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_endpoint_gone();

CREATE TRIGGER infrastructure AFTER INSERT OR DELETE OR UPDATE OF address ON public.bgp_router FOR EACH ROW EXECUTE FUNCTION public.cn2_bgp_router_infrastructure();

CREATE TRIGGER infrastructure AFTER DELETE ON public.control_node FOR EACH ROW EXECUTE FUNCTION public.cn2_control_node_infrastructure();

CREATE TRIGGER infrastructure AFTER INSERT OR DELETE OR UPDATE OF address, address6 ON public.virtual_router FOR EACH ROW EXECUTE FUNCTION public.cn2_virtual_router_infrastructure();

CREATE TRIGGER namespace_forgets_kubernetes_objects AFTER DELETE ON public.namespace REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_forget_kubernetes_objects();

CREATE TRIGGER refuse AFTER INSERT ON public.floating_ip REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_refuse_floating_ip();

CREATE TRIGGER refuse AFTER INSERT ON public.interface_address REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_refuse_endpoint();

CREATE TRIGGER refuse AFTER INSERT ON public.subnet_scope REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_scope_added();

CREATE TRIGGER refuse_in_namespace_being_deleted AFTER INSERT ON public.external_network FOR EACH ROW EXECUTE FUNCTION public.cn2_refuse_in_namespace_being_deleted();

CREATE TRIGGER refuse_in_namespace_being_deleted AFTER INSERT ON public.floating_ip FOR EACH ROW WHEN ((new.service_uid IS NULL)) EXECUTE FUNCTION public.cn2_refuse_in_namespace_being_deleted();

CREATE TRIGGER refuse_in_namespace_being_deleted AFTER INSERT ON public.kubernetes_object FOR EACH ROW WHEN ((new.is_alone AND (new.namespace <> ''::text))) EXECUTE FUNCTION public.cn2_refuse_in_namespace_being_deleted();

CREATE TRIGGER refuse_in_namespace_being_deleted AFTER INSERT ON public.service FOR EACH ROW EXECUTE FUNCTION public.cn2_refuse_in_namespace_being_deleted();

CREATE TRIGGER refuse_in_namespace_being_deleted AFTER INSERT ON public.service_health_check FOR EACH ROW EXECUTE FUNCTION public.cn2_refuse_in_namespace_being_deleted();

CREATE TRIGGER refuse_in_namespace_being_deleted AFTER INSERT ON public.virtual_machine_interface FOR EACH ROW EXECUTE FUNCTION public.cn2_refuse_in_namespace_being_deleted();

CREATE TRIGGER refuse_interface_of_pod AFTER INSERT ON public.virtual_machine_interface REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_refuse_interface_of_pod();

CREATE TRIGGER refuse_pod_of_interface AFTER INSERT ON public.kubernetes_object FOR EACH ROW WHEN ((new.resource = 'pods'::text)) EXECUTE FUNCTION public.cn2_refuse_pod_of_interface();

CREATE TRIGGER refuse_ungranted AFTER INSERT ON public.interface_address REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_refuse_ungranted_endpoint();

CREATE TRIGGER release_addresses AFTER DELETE ON public.floating_ip REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_release_addresses();

CREATE TRIGGER release_node_ports AFTER DELETE ON public.node_port REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_release_node_ports();

CREATE TRIGGER selectors_written AFTER INSERT OR DELETE OR UPDATE OF generation ON public.external_network_selector FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_selectors_written();

CREATE TRIGGER service_forgets_kubernetes_objects AFTER DELETE ON public.service REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_forget_kubernetes_objects();

CREATE TRIGGER service_health_check_forgets_kubernetes_objects AFTER DELETE ON public.service_health_check REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_forget_kubernetes_objects();

CREATE TRIGGER set_owners BEFORE INSERT OR UPDATE OF document ON public.kubernetes_object FOR EACH ROW WHEN (((new.owners IS NOT NULL) OR (json_typeof((new.document #> '{metadata,ownerReferences}'::text[])) = 'array'::text))) EXECUTE FUNCTION public.cn2_set_owners();

CREATE TRIGGER virtual_machine_interface_forgets_kubernetes_objects AFTER DELETE ON public.virtual_machine_interface REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_forget_kubernetes_objects();

CREATE TRIGGER virtual_router_forgets_kubernetes_objects AFTER DELETE ON public.virtual_router REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION public.cn2_forget_kubernetes_objects();

ALTER TABLE ONLY public.advertisement
    ADD CONSTRAINT fk_advertisement_floating_ip_floating_ip_uid FOREIGN KEY (floating_ip_uid) REFERENCES public.floating_ip(uid) ON DELETE RESTRICT;

ALTER TABLE ONLY public.agent_certificate
    ADD CONSTRAINT fk_agent_certificate_virtual_router FOREIGN KEY (virtual_router) REFERENCES public.virtual_router(uid) ON DELETE CASCADE;

ALTER TABLE ONLY public.external_network
    ADD CONSTRAINT fk_external_network_namespace_namespace FOREIGN KEY (namespace) REFERENCES public.namespace(name) ON DELETE RESTRICT;

ALTER TABLE ONLY public.floating_ip
    ADD CONSTRAINT fk_floating_ip_namespace_namespace FOREIGN KEY (namespace) REFERENCES public.namespace(name) ON DELETE RESTRICT;

ALTER TABLE ONLY public.floating_ip
    ADD CONSTRAINT fk_floating_ip_services_service_uid FOREIGN KEY (service_uid) REFERENCES public.service(uid) ON DELETE RESTRICT;

ALTER TABLE ONLY public.floating_ip_status
    ADD CONSTRAINT fk_floating_ip_status_floating_ip_uid FOREIGN KEY (uid) REFERENCES public.floating_ip(uid) ON DELETE CASCADE;

ALTER TABLE ONLY public.join_token
    ADD CONSTRAINT fk_join_token_virtual_router FOREIGN KEY (virtual_router) REFERENCES public.virtual_router(uid) ON DELETE CASCADE;

ALTER TABLE ONLY public.kubernetes_object
    ADD CONSTRAINT fk_kubernetes_object_namespace_namespace FOREIGN KEY (namespace_alone) REFERENCES public.namespace(name) ON DELETE RESTRICT;

ALTER TABLE ONLY public.namespace_grant
    ADD CONSTRAINT fk_namespace_grant_namespace_namespace FOREIGN KEY (namespace) REFERENCES public.namespace(name) ON DELETE CASCADE;

ALTER TABLE ONLY public.node_port
    ADD CONSTRAINT fk_node_port_service_service_uid FOREIGN KEY (service_uid) REFERENCES public.service(uid) ON DELETE CASCADE;

ALTER TABLE ONLY public.service_health_check
    ADD CONSTRAINT fk_service_health_check_namespace_namespace FOREIGN KEY (namespace) REFERENCES public.namespace(name) ON DELETE RESTRICT;

ALTER TABLE ONLY public.service
    ADD CONSTRAINT fk_service_namespace_namespace FOREIGN KEY (namespace) REFERENCES public.namespace(name) ON DELETE RESTRICT;

ALTER TABLE ONLY public.service_status
    ADD CONSTRAINT fk_service_status_service_uid FOREIGN KEY (uid) REFERENCES public.service(uid) ON DELETE CASCADE;

ALTER TABLE ONLY public.subnet
    ADD CONSTRAINT fk_subnet_external_network_external_network_uid FOREIGN KEY (external_network_uid) REFERENCES public.external_network(uid) ON DELETE CASCADE;

ALTER TABLE ONLY public.virtual_machine_interface
    ADD CONSTRAINT fk_virtual_machine_interface_namespace_namespace FOREIGN KEY (namespace) REFERENCES public.namespace(name) ON DELETE RESTRICT;

ALTER TABLE ONLY public.virtual_router_intruder
    ADD CONSTRAINT fk_virtual_router_intruder_virtual_router_uid FOREIGN KEY (uid) REFERENCES public.virtual_router(uid) ON DELETE CASCADE;

ALTER TABLE ONLY public.virtual_router_status
    ADD CONSTRAINT fk_virtual_router_status_virtual_router_uid FOREIGN KEY (uid) REFERENCES public.virtual_router(uid) ON DELETE CASCADE;

ALTER TABLE ONLY public.floating_ip
    ADD CONSTRAINT floating_ip_subnet FOREIGN KEY (subnet_id, subnet_cidr) REFERENCES public.subnet(id, cidr);

ALTER TABLE ONLY public.free_address
    ADD CONSTRAINT free_address_subnet_id_fkey FOREIGN KEY (subnet_id) REFERENCES public.subnet(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.grant_prefix
    ADD CONSTRAINT grant_prefix_grant FOREIGN KEY (namespace) REFERENCES public.namespace_grant(namespace) ON DELETE CASCADE;

ALTER TABLE ONLY public.grant_use
    ADD CONSTRAINT grant_use_grant FOREIGN KEY (namespace) REFERENCES public.namespace_grant(namespace) ON DELETE CASCADE;

ALTER TABLE ONLY public.interface_address
    ADD CONSTRAINT interface_address_interface_uid_fkey FOREIGN KEY (interface_uid) REFERENCES public.virtual_machine_interface(uid) ON DELETE CASCADE;

ALTER TABLE ONLY public.resting_address
    ADD CONSTRAINT resting_address_subnet_id_fkey FOREIGN KEY (subnet_id) REFERENCES public.subnet(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.subnet_range
    ADD CONSTRAINT subnet_range_subnet_id_fkey FOREIGN KEY (subnet_id) REFERENCES public.subnet(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.subnet_scope
    ADD CONSTRAINT subnet_scope_subnet_id_cidr_fkey FOREIGN KEY (subnet_id, cidr) REFERENCES public.subnet(id, cidr) ON UPDATE CASCADE ON DELETE CASCADE;
