using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>
/// API tokens and role bindings. Every change of either moves <c>access_state.version</c>, which each replica asks for twice a second: they do not go
/// through the change feed, because an open transaction elsewhere may hold that back, and a token that was deleted must be worth nothing at once.
/// </summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261205100000_CallersAndRoles")]
public sealed class CallersAndRoles : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        CREATE TABLE api_token (
            uid uuid CONSTRAINT pk_api_token PRIMARY KEY,
            name text NOT NULL CONSTRAINT api_token_name UNIQUE,
            labels jsonb NOT NULL DEFAULT '{}',
            annotations jsonb NOT NULL DEFAULT '{}',
            generation bigint NOT NULL DEFAULT 1,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL,
            secret_hash bytea NOT NULL CONSTRAINT api_token_secret_hash UNIQUE CONSTRAINT api_token_secret_hash_is_sha256 CHECK (length(secret_hash) = 32),
            expires_at timestamptz,
            last_used_at timestamptz
        );
        CREATE TABLE role_binding (
            uid uuid CONSTRAINT pk_role_binding PRIMARY KEY,
            name text NOT NULL CONSTRAINT role_binding_name UNIQUE,
            labels jsonb NOT NULL DEFAULT '{}',
            annotations jsonb NOT NULL DEFAULT '{}',
            generation bigint NOT NULL DEFAULT 1,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL,
            subjects jsonb NOT NULL,
            role text NOT NULL CONSTRAINT role_binding_role CHECK (role IN ('viewer', 'editor', 'operator', 'admin')),
            namespaces text[] NOT NULL
        );
        CREATE TABLE access_state (
            singleton boolean CONSTRAINT access_state_pkey PRIMARY KEY DEFAULT true CONSTRAINT access_state_singleton CHECK (singleton),
            version bigint NOT NULL DEFAULT 0
        );
        INSERT INTO access_state DEFAULT VALUES;

        CREATE FUNCTION cn2_access_changed() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE access_state SET version = version + 1;
            RETURN NULL;
        END $$;
        CREATE TRIGGER access_changed AFTER INSERT OR DELETE OR UPDATE OF name, secret_hash, expires_at ON api_token FOR EACH STATEMENT EXECUTE FUNCTION cn2_access_changed();
        CREATE TRIGGER access_changed AFTER INSERT OR DELETE OR UPDATE OF subjects, role, namespaces ON role_binding FOR EACH STATEMENT EXECUTE FUNCTION cn2_access_changed();
        """);

    protected override void Down(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql("DROP TABLE api_token, role_binding, access_state; DROP FUNCTION cn2_access_changed();");
}
