namespace CN2.Api.Secrets;

/// <summary>The protection of secrets in the database (docs/contract.md §7, Secrets). After the database, which it reads at the start.</summary>
internal static class SecretsRegistration
{
    public static IServiceCollection AddSecrets(this IServiceCollection services) => services
        .AddSingleton<KeyRing>()
        .AddSingleton<ISecretProtection, SecretProtection>()
        .AddSingleton<SecretRenewal>()
        .AddHostedService<KeyRingStartup>()
        .AddHostedService(provider => provider.GetRequiredService<SecretRenewal>());
}
