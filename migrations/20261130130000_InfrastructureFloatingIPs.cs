using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>A FloatingIP whose address becomes the infrastructure's is not served (docs/contract.md §3): the feed names it, as it does endpoints.</summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261130130000_InfrastructureFloatingIPs")]
public sealed class InfrastructureFloatingIPs : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(SetFunction);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(EndpointAddresses.Infrastructure);

    private const string SetFunction =
        """
        -- Sets the addresses of one owner; answers a FloatingIP that holds a new one ('100.0.0.9 is held by FloatingIP ns1/web'), or null.
        -- With p_refuse such an address is refused. Without, it is noted all the same: it is not given a second time. Loopback is left out.
        -- An endpoint or FloatingIP that has a new one is not served from now on, and one whose address is its own again is: the feed names them.
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
        """;
}
