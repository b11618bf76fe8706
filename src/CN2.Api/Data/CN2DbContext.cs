using System.Data;
using System.Linq.Expressions;
using CN2.Api.Data.Rows;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Query.SqlExpressions;
using Microsoft.EntityFrameworkCore.Storage;
using Npgsql.EntityFrameworkCore.PostgreSQL.Query.Expressions.Internal;

namespace CN2.Api.Data;

/// <summary>
/// The tables that EF maps. EF reads and writes the plain resources with it; the hot ones have a table class with SQL
/// (docs/adr/0007-ef-or-sql.md). What EF cannot express is SQL in the migration Constraints: tables with an address in their key
/// (subnet_scope, subnet_range, free_address, resting_address, interface_address), the exclusion constraint over subnets, the foreign key from an address to
/// its subnet, the allocation functions, the trigger that frees addresses.
/// </summary>
public sealed class CN2DbContext(DbContextOptions<CN2DbContext> options) : DbContext(options)
{
    public DbSet<NamespaceRow> Namespaces => Set<NamespaceRow>();
    public DbSet<ExternalNetworkSelectorRow> ExternalNetworkSelectors => Set<ExternalNetworkSelectorRow>();
    public DbSet<ExternalNetworkRow> ExternalNetworks => Set<ExternalNetworkRow>();
    public DbSet<SubnetRow> Subnets => Set<SubnetRow>();
    public DbSet<FloatingIPRow> FloatingIPs => Set<FloatingIPRow>();
    public DbSet<ServiceRow> Services => Set<ServiceRow>();
    public DbSet<NodePortRow> NodePorts => Set<NodePortRow>();
    public DbSet<FreeNodePortRow> FreeNodePorts => Set<FreeNodePortRow>();
    public DbSet<VirtualMachineInterfaceRow> VirtualMachineInterfaces => Set<VirtualMachineInterfaceRow>();
    public DbSet<VirtualRouterRow> VirtualRouters => Set<VirtualRouterRow>();
    public DbSet<VirtualRouterStatusRow> VirtualRouterStatuses => Set<VirtualRouterStatusRow>();
    public DbSet<VirtualRouterIntruderRow> VirtualRouterIntruders => Set<VirtualRouterIntruderRow>();
    public DbSet<BgpRouterRow> BgpRouters => Set<BgpRouterRow>();
    public DbSet<ServiceHealthCheckRow> ServiceHealthChecks => Set<ServiceHealthCheckRow>();
    public DbSet<RoleBindingRow> RoleBindings => Set<RoleBindingRow>();
    public DbSet<ApiTokenRow> ApiTokens => Set<ApiTokenRow>();
    public DbSet<ControlNodeRow> ControlNodes => Set<ControlNodeRow>();
    public DbSet<AnnouncementRow> Announcements => Set<AnnouncementRow>();
    public DbSet<ServiceStatusRow> ServiceStatuses => Set<ServiceStatusRow>();
    public DbSet<FloatingIPStatusRow> FloatingIPStatuses => Set<FloatingIPStatusRow>();
    public DbSet<ChangeRow> Changes => Set<ChangeRow>();
    public DbSet<EventRow> Events => Set<EventRow>();
    public DbSet<IdempotencyKeyRow> IdempotencyKeys => Set<IdempotencyKeyRow>();

    /// <summary>The database's clock in a query: <c>now()</c>, when the transaction began. The clocks of replicas may differ.</summary>
    public static DateTimeOffset Now() => throw new InvalidOperationException("Only for queries.");

    /// <summary>
    /// Labels against a predicate in SQL/JSON path: <c>labels @@ path</c>. One operator and one parameter, however many requirements there are; the
    /// GIN index serves it.
    /// </summary>
    public static bool LabelsMatch(Dictionary<string, string> labels, string path) => throw new InvalidOperationException("Only for queries.");

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.HasDbFunction(typeof(CN2DbContext).GetMethod(nameof(Now))!).HasName("now").IsBuiltIn();
        modelBuilder.HasDbFunction(typeof(CN2DbContext).GetMethod(nameof(LabelsMatch))!, function =>
        {
            function.HasParameter("labels").HasStoreType("jsonb");
#pragma warning disable EF1001 // EF has no public expression for an operator of one's own, and only the operator uses the index; the function jsonb_path_match does not.
            function.HasTranslation(parts => new PgUnknownBinaryExpression(
                parts[0],
                new SqlUnaryExpression(ExpressionType.Convert, parts[1], typeof(string), new StringTypeMapping("jsonpath", DbType.Object)),
                "@@", typeof(bool), new BoolTypeMapping("boolean")));
#pragma warning restore EF1001
        });
        foreach (var type in new[]
                 {
                     typeof(NamespaceRow), typeof(ExternalNetworkSelectorRow), typeof(ExternalNetworkRow), typeof(FloatingIPRow),
                     typeof(ServiceRow), typeof(VirtualMachineInterfaceRow), typeof(VirtualRouterRow), typeof(BgpRouterRow),
                     typeof(ServiceHealthCheckRow),
                 })
        {
            var row = modelBuilder.Entity(type);
            row.HasKey(nameof(ResourceRow.Uid));
            row.Property(nameof(ResourceRow.Uid)).ValueGeneratedNever();
            row.Property(nameof(ResourceRow.Labels)).HasColumnType("jsonb");
            row.Property(nameof(ResourceRow.Annotations)).HasColumnType("jsonb");
            // No index for FloatingIPs: every create of a Service inserts two of them, and they rarely have labels.
            if (type != typeof(FloatingIPRow)) row.HasIndex(nameof(ResourceRow.Labels)).HasMethod("gin");
            if (type.IsSubclassOf(typeof(NamespacedRow)))
            {
                row.HasIndex(nameof(NamespacedRow.Namespace), nameof(ResourceRow.Name)).IsUnique();
                row.HasOne(typeof(NamespaceRow)).WithMany().HasForeignKey(nameof(NamespacedRow.Namespace))
                    .HasPrincipalKey(nameof(NamespaceRow.Name)).OnDelete(DeleteBehavior.Restrict);
            }
            else if (type != typeof(NamespaceRow))
            {
                row.HasIndex(nameof(ResourceRow.Name)).IsUnique();
            }
        }

        modelBuilder.Entity<NamespaceRow>(row => { row.ToTable("namespace"); row.HasAlternateKey(n => n.Name); });
        modelBuilder.Entity<ExternalNetworkSelectorRow>(row => { row.ToTable("external_network_selector"); row.Property(s => s.Spec).HasColumnType("jsonb"); });
        modelBuilder.Entity<ExternalNetworkRow>(row =>
        {
            row.ToTable("external_network", t =>
            {
                t.HasCheckConstraint("external_network_number_range", "number between 1 and 65535");
                t.HasCheckConstraint("external_network_quarantine_range", "quarantine_seconds between 0 and 86400");
            });
            row.Property(n => n.Spec).HasColumnType("jsonb");
            row.HasIndex(n => n.Number).IsUnique();
            row.HasMany(n => n.Subnets).WithOne().HasForeignKey(s => s.ExternalNetworkUid).OnDelete(DeleteBehavior.Cascade);
        });
        modelBuilder.Entity<SubnetRow>(row =>
        {
            row.ToTable("subnet");
            row.Property(s => s.Cidr).HasColumnType("cidr");
        });
        modelBuilder.Entity<FloatingIPRow>(row =>
        {
            row.ToTable("floating_ip", t => t.HasCheckConstraint("floating_ip_inside_subnet", "address <<= subnet_cidr"));
            row.Property(f => f.SubnetCidr).HasColumnType("cidr");
            row.Property(f => f.Spec).HasColumnType("jsonb");
            row.HasIndex(f => f.ServiceUid);
            row.HasOne<ServiceRow>().WithMany().HasForeignKey(f => f.ServiceUid).OnDelete(DeleteBehavior.Restrict);
        });
        modelBuilder.Entity<ServiceRow>(row =>
        {
            row.ToTable("service");
            row.Property(s => s.Spec).HasColumnType("jsonb");
            row.HasIndex(s => s.PendingReason).HasFilter("pending_reason is not null");
            row.HasIndex(s => s.DeletingAt).HasFilter("deleting_at is not null");
        });
        modelBuilder.Entity<NodePortRow>(row =>
        {
            row.ToTable("node_port");
            row.HasKey(p => new { p.Port, p.Protocol });
            row.HasOne<ServiceRow>().WithMany().HasForeignKey(p => p.ServiceUid).OnDelete(DeleteBehavior.Cascade);
        });
        modelBuilder.Entity<FreeNodePortRow>(row => { row.ToTable("free_node_port"); row.HasKey(p => new { p.Protocol, p.Port }); });
        modelBuilder.Entity<VirtualMachineInterfaceRow>(row =>
        {
            row.ToTable("virtual_machine_interface", t => t.HasCheckConstraint("virtual_machine_interface_weight_range", "weight between 1 and 100"));
            row.HasIndex(v => v.VirtualRouter);
            row.HasIndex(v => v.HealthHeldUntil).HasFilter("health_held_until is not null");
        });
        modelBuilder.Entity<VirtualRouterRow>().ToTable("virtual_router");
        modelBuilder.Entity<VirtualRouterStatusRow>(row =>
        {
            row.ToTable("virtual_router_status");
            row.HasKey(s => s.Uid);
            row.HasOne<VirtualRouterRow>().WithOne().HasForeignKey<VirtualRouterStatusRow>(s => s.Uid).OnDelete(DeleteBehavior.Cascade);
        });
        modelBuilder.Entity<VirtualRouterIntruderRow>(row =>
        {
            row.ToTable("virtual_router_intruder");
            row.HasKey(i => new { i.Uid, i.Reason });
            row.HasOne<VirtualRouterRow>().WithMany().HasForeignKey(i => i.Uid).OnDelete(DeleteBehavior.Cascade);
        });
        modelBuilder.Entity<BgpRouterRow>(row =>
        {
            row.ToTable("bgp_router");
            row.Property(b => b.Spec).HasColumnType("jsonb");
        });
        modelBuilder.Entity<ServiceHealthCheckRow>(row => { row.ToTable("service_health_check"); row.Property(h => h.Spec).HasColumnType("jsonb"); });
        modelBuilder.Entity<RoleBindingRow>(row =>
        {
            row.ToTable("role_binding");
            row.HasKey(b => b.Uid);
            row.Property(b => b.Uid).ValueGeneratedNever();
            row.Property(b => b.Labels).HasColumnType("jsonb");
            row.Property(b => b.Annotations).HasColumnType("jsonb");
            row.Property(b => b.Subjects).HasColumnType("jsonb");
        });
        modelBuilder.Entity<ApiTokenRow>(row =>
        {
            row.ToTable("api_token");
            row.HasKey(t => t.Uid);
            row.Property(t => t.Uid).ValueGeneratedNever();
            row.Property(t => t.Labels).HasColumnType("jsonb");
            row.Property(t => t.Annotations).HasColumnType("jsonb");
        });
        modelBuilder.Entity<ControlNodeRow>(row => { row.ToTable("control_node"); row.HasKey(c => c.Name); row.Property(c => c.Sessions).HasColumnType("jsonb"); });
        modelBuilder.Entity<AnnouncementRow>(row =>
        {
            row.ToTable("advertisement");
            row.HasKey(a => new { a.FloatingIPUid, a.ControlNode });
            row.Property(a => a.Routes).HasColumnType("jsonb");
            row.HasOne<FloatingIPRow>().WithMany().HasForeignKey(a => a.FloatingIPUid).OnDelete(DeleteBehavior.Restrict);
        });
        modelBuilder.Entity<ServiceStatusRow>(row =>
        {
            row.ToTable("service_status");
            row.HasKey(s => s.Uid);
            row.Property(s => s.Document).HasColumnType("jsonb");
            row.HasOne<ServiceRow>().WithOne().HasForeignKey<ServiceStatusRow>(s => s.Uid).OnDelete(DeleteBehavior.Cascade);
        });
        modelBuilder.Entity<FloatingIPStatusRow>(row =>
        {
            row.ToTable("floating_ip_status");
            row.HasKey(s => s.Uid);
            row.Property(s => s.Document).HasColumnType("jsonb");
            row.HasOne<FloatingIPRow>().WithOne().HasForeignKey<FloatingIPStatusRow>(s => s.Uid).OnDelete(DeleteBehavior.Cascade);
        });
        modelBuilder.Entity<ChangeRow>(row =>
        {
            row.ToTable("change");
            row.HasKey(c => c.Id);
            row.Property(c => c.Xid).HasColumnType("xid8").HasDefaultValueSql("pg_current_xact_id()");
            row.Property(c => c.At).HasDefaultValueSql("now()");
            row.Property(c => c.Document).HasColumnType("jsonb");
            row.HasIndex(c => new { c.Xid, c.Id });
        });
        modelBuilder.Entity<EventRow>(row =>
        {
            row.ToTable("event");
            row.HasKey(e => e.Id);
            row.HasIndex(e => new { e.Kind, e.Namespace, e.Name, e.Id });
            row.HasIndex(e => e.At);
        });
        modelBuilder.Entity<IdempotencyKeyRow>(row =>
        {
            row.ToTable("idempotency_key");
            row.HasKey(k => new { k.Key, k.Path });
            row.HasIndex(k => k.CreatedAt);
        });
    }
}
