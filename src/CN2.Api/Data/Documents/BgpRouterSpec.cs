namespace CN2.Api.Data.Documents;

/// <summary>Column <c>bgp_router.spec</c>: what the user asked for, with defaults, without address and key.</summary>
public sealed record BgpRouterSpec(
    uint AutonomousSystem, int Port, IReadOnlyList<string> AddressFamilies, int HoldTime, int? MultihopTtl, bool Passive, bool AddPath, bool AdminDown,
    bool GracefulRestart, int RestartTime)
{
    public static readonly IReadOnlyList<string> DefaultFamilies = ["inet", "inet6", "inet-vpn", "inet6-vpn"];
}
