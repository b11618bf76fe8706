using System;
using System.Collections.Generic;
using System.Net;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql.EntityFrameworkCore.PostgreSQL.Metadata;

#nullable disable

namespace CN2.Api.Migrations
{
    /// <inheritdoc />
    public partial class Initial : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "bgp_router",
                columns: table => new
                {
                    uid = table.Column<Guid>(type: "uuid", nullable: false),
                    address = table.Column<IPAddress>(type: "inet", nullable: false),
                    spec = table.Column<string>(type: "jsonb", nullable: false),
                    auth_key = table.Column<string>(type: "text", nullable: true),
                    name = table.Column<string>(type: "text", nullable: false),
                    labels = table.Column<Dictionary<string, string>>(type: "jsonb", nullable: false),
                    annotations = table.Column<Dictionary<string, string>>(type: "jsonb", nullable: false),
                    generation = table.Column<long>(type: "bigint", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    updated_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_bgp_router", x => x.uid);
                });

            migrationBuilder.CreateTable(
                name: "change",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    xid = table.Column<ulong>(type: "xid8", nullable: false, defaultValueSql: "pg_current_xact_id()"),
                    kind = table.Column<short>(type: "smallint", nullable: false),
                    @namespace = table.Column<string>(name: "namespace", type: "text", nullable: true),
                    name = table.Column<string>(type: "text", nullable: false),
                    uid = table.Column<Guid>(type: "uuid", nullable: false),
                    verb = table.Column<short>(type: "smallint", nullable: false),
                    status_only = table.Column<bool>(type: "boolean", nullable: false),
                    document = table.Column<string>(type: "jsonb", nullable: true),
                    at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, defaultValueSql: "now()")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_change", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "control_node",
                columns: table => new
                {
                    name = table.Column<string>(type: "text", nullable: false),
                    last_seen_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    restart_time_seconds = table.Column<int>(type: "integer", nullable: false),
                    sessions = table.Column<string>(type: "jsonb", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_control_node", x => x.name);
                });

            migrationBuilder.CreateTable(
                name: "event",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    kind = table.Column<short>(type: "smallint", nullable: false),
                    @namespace = table.Column<string>(name: "namespace", type: "text", nullable: true),
                    name = table.Column<string>(type: "text", nullable: false),
                    at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    type = table.Column<string>(type: "text", nullable: false),
                    reason = table.Column<string>(type: "text", nullable: false),
                    message = table.Column<string>(type: "text", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_event", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "external_network_selector",
                columns: table => new
                {
                    uid = table.Column<Guid>(type: "uuid", nullable: false),
                    spec = table.Column<string>(type: "jsonb", nullable: false),
                    name = table.Column<string>(type: "text", nullable: false),
                    labels = table.Column<Dictionary<string, string>>(type: "jsonb", nullable: false),
                    annotations = table.Column<Dictionary<string, string>>(type: "jsonb", nullable: false),
                    generation = table.Column<long>(type: "bigint", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    updated_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_external_network_selector", x => x.uid);
                });

            migrationBuilder.CreateTable(
                name: "free_node_port",
                columns: table => new
                {
                    port = table.Column<int>(type: "integer", nullable: false),
                    protocol = table.Column<short>(type: "smallint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_free_node_port", x => new { x.protocol, x.port });
                });

            migrationBuilder.CreateTable(
                name: "idempotency_key",
                columns: table => new
                {
                    key = table.Column<string>(type: "text", nullable: false),
                    path = table.Column<string>(type: "text", nullable: false),
                    body_hash = table.Column<byte[]>(type: "bytea", nullable: false),
                    status_code = table.Column<int>(type: "integer", nullable: false),
                    location = table.Column<string>(type: "text", nullable: true),
                    e_tag = table.Column<string>(type: "text", nullable: true),
                    body = table.Column<string>(type: "text", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_idempotency_key", x => new { x.key, x.path });
                });

            migrationBuilder.CreateTable(
                name: "namespace",
                columns: table => new
                {
                    uid = table.Column<Guid>(type: "uuid", nullable: false),
                    name = table.Column<string>(type: "text", nullable: false),
                    labels = table.Column<Dictionary<string, string>>(type: "jsonb", nullable: false),
                    annotations = table.Column<Dictionary<string, string>>(type: "jsonb", nullable: false),
                    generation = table.Column<long>(type: "bigint", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    updated_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_namespace", x => x.uid);
                    table.UniqueConstraint("ak_namespaces_name", x => x.name);
                });

            migrationBuilder.CreateTable(
                name: "virtual_router",
                columns: table => new
                {
                    uid = table.Column<Guid>(type: "uuid", nullable: false),
                    address = table.Column<IPAddress>(type: "inet", nullable: false),
                    address6 = table.Column<IPAddress>(type: "inet", nullable: true),
                    admin_down = table.Column<bool>(type: "boolean", nullable: false),
                    name = table.Column<string>(type: "text", nullable: false),
                    labels = table.Column<Dictionary<string, string>>(type: "jsonb", nullable: false),
                    annotations = table.Column<Dictionary<string, string>>(type: "jsonb", nullable: false),
                    generation = table.Column<long>(type: "bigint", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    updated_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_virtual_router", x => x.uid);
                });

            migrationBuilder.CreateTable(
                name: "external_network",
                columns: table => new
                {
                    uid = table.Column<Guid>(type: "uuid", nullable: false),
                    number = table.Column<int>(type: "integer", nullable: false),
                    fabric_forwarding = table.Column<bool>(type: "boolean", nullable: false),
                    auto_assign = table.Column<bool>(type: "boolean", nullable: false),
                    priority = table.Column<int>(type: "integer", nullable: false),
                    spec = table.Column<string>(type: "jsonb", nullable: false),
                    name = table.Column<string>(type: "text", nullable: false),
                    labels = table.Column<Dictionary<string, string>>(type: "jsonb", nullable: false),
                    annotations = table.Column<Dictionary<string, string>>(type: "jsonb", nullable: false),
                    generation = table.Column<long>(type: "bigint", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    updated_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    @namespace = table.Column<string>(name: "namespace", type: "text", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_external_network", x => x.uid);
                    table.CheckConstraint("external_network_number_range", "number between 1 and 65535");
                    table.ForeignKey(
                        name: "fk_external_network_namespace_namespace",
                        column: x => x.@namespace,
                        principalTable: "namespace",
                        principalColumn: "name",
                        onDelete: ReferentialAction.Restrict);
                });

            migrationBuilder.CreateTable(
                name: "service",
                columns: table => new
                {
                    uid = table.Column<Guid>(type: "uuid", nullable: false),
                    spec = table.Column<string>(type: "jsonb", nullable: false),
                    pending_reason = table.Column<string>(type: "text", nullable: true),
                    pending_message = table.Column<string>(type: "text", nullable: true),
                    deleting_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    name = table.Column<string>(type: "text", nullable: false),
                    labels = table.Column<Dictionary<string, string>>(type: "jsonb", nullable: false),
                    annotations = table.Column<Dictionary<string, string>>(type: "jsonb", nullable: false),
                    generation = table.Column<long>(type: "bigint", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    updated_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    @namespace = table.Column<string>(name: "namespace", type: "text", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_service", x => x.uid);
                    table.ForeignKey(
                        name: "fk_service_namespace_namespace",
                        column: x => x.@namespace,
                        principalTable: "namespace",
                        principalColumn: "name",
                        onDelete: ReferentialAction.Restrict);
                });

            migrationBuilder.CreateTable(
                name: "service_health_check",
                columns: table => new
                {
                    uid = table.Column<Guid>(type: "uuid", nullable: false),
                    spec = table.Column<string>(type: "jsonb", nullable: false),
                    name = table.Column<string>(type: "text", nullable: false),
                    labels = table.Column<Dictionary<string, string>>(type: "jsonb", nullable: false),
                    annotations = table.Column<Dictionary<string, string>>(type: "jsonb", nullable: false),
                    generation = table.Column<long>(type: "bigint", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    updated_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    @namespace = table.Column<string>(name: "namespace", type: "text", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_service_health_check", x => x.uid);
                    table.ForeignKey(
                        name: "fk_service_health_check_namespace_namespace",
                        column: x => x.@namespace,
                        principalTable: "namespace",
                        principalColumn: "name",
                        onDelete: ReferentialAction.Restrict);
                });

            migrationBuilder.CreateTable(
                name: "virtual_machine_interface",
                columns: table => new
                {
                    uid = table.Column<Guid>(type: "uuid", nullable: false),
                    virtual_router = table.Column<string>(type: "text", nullable: false),
                    addresses = table.Column<IPAddress[]>(type: "inet[]", nullable: false),
                    ready = table.Column<bool>(type: "boolean", nullable: false),
                    health_check = table.Column<string>(type: "text", nullable: true),
                    health = table.Column<string>(type: "text", nullable: false),
                    health_message = table.Column<string>(type: "text", nullable: true),
                    health_changed_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    name = table.Column<string>(type: "text", nullable: false),
                    labels = table.Column<Dictionary<string, string>>(type: "jsonb", nullable: false),
                    annotations = table.Column<Dictionary<string, string>>(type: "jsonb", nullable: false),
                    generation = table.Column<long>(type: "bigint", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    updated_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    @namespace = table.Column<string>(name: "namespace", type: "text", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_virtual_machine_interface", x => x.uid);
                    table.ForeignKey(
                        name: "fk_virtual_machine_interface_namespace_namespace",
                        column: x => x.@namespace,
                        principalTable: "namespace",
                        principalColumn: "name",
                        onDelete: ReferentialAction.Restrict);
                });

            migrationBuilder.CreateTable(
                name: "virtual_router_status",
                columns: table => new
                {
                    uid = table.Column<Guid>(type: "uuid", nullable: false),
                    connected = table.Column<bool>(type: "boolean", nullable: false),
                    control_node = table.Column<string>(type: "text", nullable: true),
                    last_seen_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    lost = table.Column<bool>(type: "boolean", nullable: false),
                    desired_revision = table.Column<long>(type: "bigint", nullable: false),
                    applied_revision = table.Column<long>(type: "bigint", nullable: false),
                    applied_position = table.Column<long>(type: "bigint", nullable: false),
                    agent_version = table.Column<string>(type: "text", nullable: true),
                    message = table.Column<string>(type: "text", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_virtual_router_status", x => x.uid);
                    table.ForeignKey(
                        name: "fk_virtual_router_status_virtual_router_uid",
                        column: x => x.uid,
                        principalTable: "virtual_router",
                        principalColumn: "uid",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "subnet",
                columns: table => new
                {
                    id = table.Column<int>(type: "integer", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    external_network_uid = table.Column<Guid>(type: "uuid", nullable: true),
                    cidr = table.Column<IPNetwork>(type: "cidr", nullable: false),
                    gateway = table.Column<IPAddress>(type: "inet", nullable: true),
                    position = table.Column<int>(type: "integer", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_subnet", x => x.id);
                    table.ForeignKey(
                        name: "fk_subnet_external_network_external_network_uid",
                        column: x => x.external_network_uid,
                        principalTable: "external_network",
                        principalColumn: "uid",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "floating_ip",
                columns: table => new
                {
                    uid = table.Column<Guid>(type: "uuid", nullable: false),
                    subnet_id = table.Column<int>(type: "integer", nullable: false),
                    subnet_cidr = table.Column<IPNetwork>(type: "cidr", nullable: false),
                    address = table.Column<IPAddress>(type: "inet", nullable: false),
                    external_network_uid = table.Column<Guid>(type: "uuid", nullable: true),
                    service_uid = table.Column<Guid>(type: "uuid", nullable: true),
                    reserved = table.Column<bool>(type: "boolean", nullable: false),
                    spec = table.Column<string>(type: "jsonb", nullable: false),
                    deleting_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    name = table.Column<string>(type: "text", nullable: false),
                    labels = table.Column<Dictionary<string, string>>(type: "jsonb", nullable: false),
                    annotations = table.Column<Dictionary<string, string>>(type: "jsonb", nullable: false),
                    generation = table.Column<long>(type: "bigint", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    updated_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    @namespace = table.Column<string>(name: "namespace", type: "text", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_floating_ip", x => x.uid);
                    table.CheckConstraint("floating_ip_inside_subnet", "address <<= subnet_cidr");
                    table.ForeignKey(
                        name: "fk_floating_ip_namespace_namespace",
                        column: x => x.@namespace,
                        principalTable: "namespace",
                        principalColumn: "name",
                        onDelete: ReferentialAction.Restrict);
                    table.ForeignKey(
                        name: "fk_floating_ip_services_service_uid",
                        column: x => x.service_uid,
                        principalTable: "service",
                        principalColumn: "uid",
                        onDelete: ReferentialAction.Restrict);
                });

            migrationBuilder.CreateTable(
                name: "node_port",
                columns: table => new
                {
                    port = table.Column<int>(type: "integer", nullable: false),
                    protocol = table.Column<short>(type: "smallint", nullable: false),
                    service_uid = table.Column<Guid>(type: "uuid", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_node_port", x => new { x.port, x.protocol });
                    table.ForeignKey(
                        name: "fk_node_port_service_service_uid",
                        column: x => x.service_uid,
                        principalTable: "service",
                        principalColumn: "uid",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "service_status",
                columns: table => new
                {
                    uid = table.Column<Guid>(type: "uuid", nullable: false),
                    document = table.Column<string>(type: "jsonb", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_service_status", x => x.uid);
                    table.ForeignKey(
                        name: "fk_service_status_service_uid",
                        column: x => x.uid,
                        principalTable: "service",
                        principalColumn: "uid",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "advertisement",
                columns: table => new
                {
                    control_node = table.Column<string>(type: "text", nullable: false),
                    floating_ip_uid = table.Column<Guid>(type: "uuid", nullable: false),
                    routes = table.Column<string>(type: "jsonb", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_advertisement", x => new { x.floating_ip_uid, x.control_node });
                    table.ForeignKey(
                        name: "fk_advertisement_floating_ip_floating_ip_uid",
                        column: x => x.floating_ip_uid,
                        principalTable: "floating_ip",
                        principalColumn: "uid",
                        onDelete: ReferentialAction.Restrict);
                });

            migrationBuilder.CreateTable(
                name: "floating_ip_status",
                columns: table => new
                {
                    uid = table.Column<Guid>(type: "uuid", nullable: false),
                    document = table.Column<string>(type: "jsonb", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_floating_ip_status", x => x.uid);
                    table.ForeignKey(
                        name: "fk_floating_ip_status_floating_ip_uid",
                        column: x => x.uid,
                        principalTable: "floating_ip",
                        principalColumn: "uid",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateIndex(
                name: "ix_bgp_router_labels",
                table: "bgp_router",
                column: "labels")
                .Annotation("Npgsql:IndexMethod", "gin");

            migrationBuilder.CreateIndex(
                name: "ix_bgp_router_name",
                table: "bgp_router",
                column: "name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_change_xid_id",
                table: "change",
                columns: new[] { "xid", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_event_at",
                table: "event",
                column: "at");

            migrationBuilder.CreateIndex(
                name: "ix_event_kind_namespace_name_id",
                table: "event",
                columns: new[] { "kind", "namespace", "name", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_external_network_labels",
                table: "external_network",
                column: "labels")
                .Annotation("Npgsql:IndexMethod", "gin");

            migrationBuilder.CreateIndex(
                name: "ix_external_network_namespace_name",
                table: "external_network",
                columns: new[] { "namespace", "name" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_external_network_number",
                table: "external_network",
                column: "number",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_external_network_selector_labels",
                table: "external_network_selector",
                column: "labels")
                .Annotation("Npgsql:IndexMethod", "gin");

            migrationBuilder.CreateIndex(
                name: "ix_external_network_selector_name",
                table: "external_network_selector",
                column: "name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_floating_ip_namespace_name",
                table: "floating_ip",
                columns: new[] { "namespace", "name" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_floating_ip_service_uid",
                table: "floating_ip",
                column: "service_uid");

            migrationBuilder.CreateIndex(
                name: "ix_idempotency_key_created_at",
                table: "idempotency_key",
                column: "created_at");

            migrationBuilder.CreateIndex(
                name: "ix_namespace_labels",
                table: "namespace",
                column: "labels")
                .Annotation("Npgsql:IndexMethod", "gin");

            migrationBuilder.CreateIndex(
                name: "ix_node_port_service_uid",
                table: "node_port",
                column: "service_uid");

            migrationBuilder.CreateIndex(
                name: "ix_service_deleting_at",
                table: "service",
                column: "deleting_at",
                filter: "deleting_at is not null");

            migrationBuilder.CreateIndex(
                name: "ix_service_labels",
                table: "service",
                column: "labels")
                .Annotation("Npgsql:IndexMethod", "gin");

            migrationBuilder.CreateIndex(
                name: "ix_service_namespace_name",
                table: "service",
                columns: new[] { "namespace", "name" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_service_pending_reason",
                table: "service",
                column: "pending_reason",
                filter: "pending_reason is not null");

            migrationBuilder.CreateIndex(
                name: "ix_service_health_check_labels",
                table: "service_health_check",
                column: "labels")
                .Annotation("Npgsql:IndexMethod", "gin");

            migrationBuilder.CreateIndex(
                name: "ix_service_health_check_namespace_name",
                table: "service_health_check",
                columns: new[] { "namespace", "name" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_subnet_external_network_uid",
                table: "subnet",
                column: "external_network_uid");

            migrationBuilder.CreateIndex(
                name: "ix_virtual_machine_interface_labels",
                table: "virtual_machine_interface",
                column: "labels")
                .Annotation("Npgsql:IndexMethod", "gin");

            migrationBuilder.CreateIndex(
                name: "ix_virtual_machine_interface_namespace_name",
                table: "virtual_machine_interface",
                columns: new[] { "namespace", "name" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_virtual_machine_interface_virtual_router",
                table: "virtual_machine_interface",
                column: "virtual_router");

            migrationBuilder.CreateIndex(
                name: "ix_virtual_router_labels",
                table: "virtual_router",
                column: "labels")
                .Annotation("Npgsql:IndexMethod", "gin");

            migrationBuilder.CreateIndex(
                name: "ix_virtual_router_name",
                table: "virtual_router",
                column: "name",
                unique: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "advertisement");

            migrationBuilder.DropTable(
                name: "bgp_router");

            migrationBuilder.DropTable(
                name: "change");

            migrationBuilder.DropTable(
                name: "control_node");

            migrationBuilder.DropTable(
                name: "event");

            migrationBuilder.DropTable(
                name: "external_network_selector");

            migrationBuilder.DropTable(
                name: "floating_ip_status");

            migrationBuilder.DropTable(
                name: "free_node_port");

            migrationBuilder.DropTable(
                name: "idempotency_key");

            migrationBuilder.DropTable(
                name: "node_port");

            migrationBuilder.DropTable(
                name: "service_health_check");

            migrationBuilder.DropTable(
                name: "service_status");

            migrationBuilder.DropTable(
                name: "subnet");

            migrationBuilder.DropTable(
                name: "virtual_machine_interface");

            migrationBuilder.DropTable(
                name: "virtual_router_status");

            migrationBuilder.DropTable(
                name: "floating_ip");

            migrationBuilder.DropTable(
                name: "external_network");

            migrationBuilder.DropTable(
                name: "virtual_router");

            migrationBuilder.DropTable(
                name: "service");

            migrationBuilder.DropTable(
                name: "namespace");
        }
    }
}
