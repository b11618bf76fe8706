using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>
/// The keys that protect secrets in the database, and which control nodes can read what they protect. <c>bgp_router.auth_key</c> stays as it is: the new version
/// protects its values (<c>protected:...</c>) once no control node of the version before is alive. To that one such a value is a key that is too long: it
/// refuses the router with a sentence, and never opens a session without the key.
/// </summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261205120000_ProtectedSecrets")]
public sealed class ProtectedSecrets : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        CREATE TABLE protection_key (
            id uuid CONSTRAINT pk_protection_key PRIMARY KEY,
            number bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT protection_key_number UNIQUE,
            certificate text,
            document text NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now()
        );
        ALTER TABLE control_node ADD COLUMN reads_protected_secrets boolean NOT NULL DEFAULT false;
        """);

    protected override void Down(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql("DROP TABLE protection_key; ALTER TABLE control_node DROP COLUMN reads_protected_secrets;");
}
