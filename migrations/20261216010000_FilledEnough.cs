using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>
/// A client whose pool was filled by somebody else, but not with as many addresses as it wants, fills it further. It started again with nothing to take, and a batch that met many small writes could use
/// up its attempts. Where nearly everything is held, a filling leaves enough for many clients.
/// </summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261216010000_FilledEnough")]
public sealed class FilledEnough : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        -- Fills the pool, unless somebody else has filled it with enough while this waited for the subnet. Answers how many addresses this has added; the caller takes, and calls again when there are not enough.
        CREATE OR REPLACE FUNCTION cn2_refill(p_subnet int, p_want int) RETURNS int LANGUAGE plpgsql AS $$
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
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        CREATE OR REPLACE FUNCTION cn2_refill(p_subnet int, p_want int) RETURNS int LANGUAGE plpgsql AS $$
        DECLARE
            before inet[];
            after inet[];
        BEGIN
            SELECT array_agg(filled_to ORDER BY first) INTO before FROM subnet_range WHERE subnet_id = p_subnet;
            PERFORM 1 FROM subnet WHERE id = p_subnet FOR NO KEY UPDATE;
            SELECT array_agg(filled_to ORDER BY first) INTO after FROM subnet_range WHERE subnet_id = p_subnet;
            IF after IS DISTINCT FROM before THEN RETURN 0; END IF;
            RETURN cn2_fill_pool(p_subnet, p_want + least(7 * p_want, 8192));
        END $$;
        """);
}
