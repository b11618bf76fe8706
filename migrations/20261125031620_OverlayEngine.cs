using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace CN2.Api.Migrations
{
    /// <inheritdoc />
    public partial class OverlayEngine : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "overlay_engine",
                table: "virtual_router_status",
                type: "text",
                nullable: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "overlay_engine",
                table: "virtual_router_status");
        }
    }
}
