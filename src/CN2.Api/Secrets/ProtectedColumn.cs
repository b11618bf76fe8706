namespace CN2.Api.Secrets;

/// <summary>A column of type <c>text</c> whose values are secrets, or null.</summary>
/// <param name="Table">Its table.</param>
/// <param name="Name">Its name.</param>
/// <param name="Purpose">What <see cref="ISecretProtection"/> is told.</param>
internal sealed record ProtectedColumn(string Table, string Name, string Purpose)
{
    public static readonly ProtectedColumn BgpAuthKey = new("bgp_router", "auth_key", "BgpRouter authKey");

    public static readonly ProtectedColumn AgentCaKey = new("agent_ca", "private_key", "Agents CA key");

    /// <summary>All of them. <see cref="SecretRenewal"/> protects what stands in them in plain, or by an older key.</summary>
    public static IReadOnlyList<ProtectedColumn> All { get; } = [BgpAuthKey, AgentCaKey];
}
