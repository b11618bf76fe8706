using CN2.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CN2.Api.Migrations;

/// <summary>
/// The agents' CA, join tokens and the certificates that were issued. Tokens and certificates belong to a VirtualRouter's uid and go with its row. Every change of
/// certificates moves <c>agent_certificate_state.version</c>, which each replica asks for twice a second: they do not go through the change feed, because an
/// open transaction elsewhere may hold that back.
/// </summary>
[DbContext(typeof(CN2DbContext))]
[Migration("20261205110000_AgentCertificates")]
public sealed class AgentCertificates : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        CREATE TABLE agent_ca (
            singleton boolean CONSTRAINT pk_agent_ca PRIMARY KEY DEFAULT true CONSTRAINT agent_ca_singleton CHECK (singleton),
            certificate text NOT NULL,
            private_key text NOT NULL,
            created_at timestamptz NOT NULL
        );
        CREATE TABLE join_token (
            virtual_router uuid CONSTRAINT pk_join_token PRIMARY KEY CONSTRAINT fk_join_token_virtual_router REFERENCES virtual_router (uid) ON DELETE CASCADE,
            secret_hash bytea NOT NULL CONSTRAINT join_token_secret_hash UNIQUE CONSTRAINT join_token_secret_hash_is_sha256 CHECK (length(secret_hash) = 32),
            expires_at timestamptz NOT NULL,
            used_at timestamptz
        );
        CREATE TABLE agent_certificate (
            serial bytea CONSTRAINT pk_agent_certificate PRIMARY KEY CONSTRAINT agent_certificate_serial_length CHECK (length(serial) = 16),
            fingerprint bytea NOT NULL CONSTRAINT agent_certificate_fingerprint UNIQUE CONSTRAINT agent_certificate_fingerprint_is_sha256 CHECK (length(fingerprint) = 32),
            virtual_router uuid NOT NULL CONSTRAINT fk_agent_certificate_virtual_router REFERENCES virtual_router (uid) ON DELETE CASCADE,
            issued_at timestamptz NOT NULL,
            not_after timestamptz NOT NULL
        );
        CREATE INDEX ix_agent_certificate_virtual_router ON agent_certificate (virtual_router);
        CREATE TABLE agent_certificate_state (
            singleton boolean CONSTRAINT pk_agent_certificate_state PRIMARY KEY DEFAULT true CONSTRAINT agent_certificate_state_singleton CHECK (singleton),
            version bigint NOT NULL DEFAULT 0
        );
        INSERT INTO agent_certificate_state DEFAULT VALUES;

        CREATE FUNCTION cn2_agent_certificates_changed() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (SELECT FROM moved) THEN
                UPDATE agent_certificate_state SET version = version + 1;
            END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER certificates_added AFTER INSERT ON agent_certificate REFERENCING NEW TABLE AS moved
            FOR EACH STATEMENT EXECUTE FUNCTION cn2_agent_certificates_changed();
        CREATE TRIGGER certificates_removed AFTER DELETE ON agent_certificate REFERENCING OLD TABLE AS moved
            FOR EACH STATEMENT EXECUTE FUNCTION cn2_agent_certificates_changed();
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        "DROP TABLE agent_certificate, agent_certificate_state, join_token, agent_ca; DROP FUNCTION cn2_agent_certificates_changed();");
}
