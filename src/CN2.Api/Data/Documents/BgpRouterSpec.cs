using System.Text.Json.Serialization;

namespace CN2.Api.Data.Documents;

/// <summary>
/// Column <c>bgp_router.spec</c>: the request with every default filled in, without address and key. A document without one of them has the
/// default; without the autonomous system it cannot be read.
/// </summary>
public sealed record BgpRouterSpec(
    [property: JsonRequired] uint AutonomousSystem, int Port = 179, IReadOnlyList<string>? AddressFamilies = null, int HoldTime = BgpRouterSpec.DefaultHoldTime,
    int? MultihopTtl = null, bool Passive = false, bool AddPath = true, bool AdminDown = false, bool GracefulRestart = true, int RestartTime = 120)
{
    public IReadOnlyList<string> AddressFamilies { get; init; } = AddressFamilies ?? DefaultFamilies;

    /// <summary>
    /// RFC 4271 §4.2 also allows 0: the session never expires. gobgpd 3.10 cannot do that: its AddPeer reads 0 as "not given" (90), and on a
    /// session with a negotiated hold time of 0 its write deadline has passed before each message.
    /// </summary>
    public const int LeastHoldTime = 3;

    public const int DefaultHoldTime = 90;

    /// <summary>Seconds. A document from a time when 0 was accepted says 0; sessions had the default then.</summary>
    public int HoldTime { get; init; } = HoldTime == 0 ? DefaultHoldTime : HoldTime;

    /// <summary>How many prefixes the router takes; null: all.</summary>
    public int? MaxAdvertised { get; init; }

    /// <summary>Seconds for which the router may keep routes after the restart time (RFC 9494); 0: none.</summary>
    public int LongLivedStaleTime { get; init; }

    public static readonly IReadOnlyList<string> DefaultFamilies = ["inet", "inet6", "inet-vpn", "inet6-vpn"];
}
