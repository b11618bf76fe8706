using System.Net;
using CN2.Network.Collections;

namespace CN2.Api.Drivers;

/// <summary>A BGP router to peer with, as its BgpRouter resource describes it. Value equality: setting an equal peer again disturbs no session.</summary>
/// <param name="HoldTime">Seconds, 3 to 65535 (RFC 4271 §4.2).</param>
/// <param name="AuthKey">TCP MD5 key (RFC 2385), at most 80 bytes; null for none.</param>
/// <param name="MultihopTtl">TTL of packets to a router that is not directly connected, 1 to 255; null for the engine's default.</param>
/// <param name="Passive">The router connects; this control node only listens.</param>
/// <param name="RestartTime">Seconds, 0 to 4095 (RFC 4724 §3), for which each side keeps the routes of a lost session.</param>
public sealed record BgpPeer(
    string Name,
    IPAddress Address,
    uint AutonomousSystem,
    ushort Port,
    EquatableList<string> AddressFamilies,
    int HoldTime,
    string? AuthKey,
    int? MultihopTtl,
    bool Passive,
    bool AddPath,
    bool AdminDown,
    bool GracefulRestart,
    int RestartTime)
{
    /// <summary>How many prefixes the router takes, at least 1: only the oldest are sent to it. Null: all.</summary>
    public int? MaxAdvertised { get; init; }

    /// <summary>12 bits (RFC 4724 §3).</summary>
    public const int LongestRestartTime = 4095;

    /// <summary>24 bits (RFC 9494 §3).</summary>
    public const int LongestStaleTime = 16_777_215;

    /// <summary>
    /// Seconds for which the router may keep the routes of a lost session after <see cref="RestartTime"/>, also when the hold time ran out
    /// (RFC 9494, RFC 8538); 0: not at all.
    /// </summary>
    public int LongLivedStaleTime { get; init; }

    /// <summary>
    /// What is stored of the router cannot be read: it stays as the engine has it, and of the values here only the name, the address and
    /// <see cref="MaxAdvertised"/> are known. An engine that does not have it is not given it.
    /// </summary>
    public bool IsUnreadable { get; private init; }

    /// <summary>Why, as a sentence for the user; null: this version does not know what is stored.</summary>
    public string? UnreadableBecause { get; private init; }

    public static BgpPeer Unreadable(string name, IPAddress address, int? maxAdvertised, string? because = null) =>
        new(name, address, 0, 0, [], 0, null, null, Passive: false, AddPath: false, AdminDown: false, GracefulRestart: false, 0)
        {
            MaxAdvertised = maxAdvertised,
            IsUnreadable = true,
            UnreadableBecause = because,
        };

    /// <summary>Without the key, which must be in no log.</summary>
    public override string ToString() => $"BgpRouter {Name} at {Address}";
}
