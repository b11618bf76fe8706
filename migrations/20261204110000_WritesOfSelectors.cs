using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>How often ExternalNetworkSelectors were written: the generation of the Kubemanager, which has them all and never goes back.</summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261204110000_WritesOfSelectors")]
public sealed class WritesOfSelectors : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        ALTER TABLE catalog ADD COLUMN selectors_written bigint NOT NULL DEFAULT 0;
        UPDATE catalog SET selectors_written = (SELECT coalesce(sum(generation), 0) FROM external_network_selector);

        CREATE FUNCTION cn2_selectors_written() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE catalog SET selectors_written = selectors_written + 1;
            RETURN NULL;
        END $$;
        CREATE TRIGGER selectors_written AFTER INSERT OR DELETE OR UPDATE OF generation ON external_network_selector FOR EACH STATEMENT EXECUTE FUNCTION cn2_selectors_written();
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("DROP FUNCTION cn2_selectors_written() CASCADE; ALTER TABLE catalog DROP COLUMN selectors_written;");
}
