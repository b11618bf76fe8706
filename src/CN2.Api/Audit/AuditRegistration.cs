namespace CN2.Api.Audit;

/// <summary>The audit log (docs/contract.md §7, Audit).</summary>
internal static class AuditRegistration
{
    public static IServiceCollection AddAudit(this IServiceCollection services) => services
        .AddSingleton<AuditLog>()
        .AddSingleton<AuditQueue>()
        .AddHostedService(provider => provider.GetRequiredService<AuditQueue>());

    /// <summary>The first of all, so that it sees every answer as it is sent.</summary>
    public static void UseAudit(this IApplicationBuilder app) => app.UseMiddleware<AuditMiddleware>();
}
