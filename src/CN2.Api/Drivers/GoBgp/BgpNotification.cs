using System.Text;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>A NOTIFICATION, the message that ends a BGP session (RFC 4271 §4.5). Its bytes come from a router: nothing of them is relied on.</summary>
internal sealed record BgpNotification(byte Code, byte Subcode, byte[] Data)
{
    private const byte OpenError = 2, HoldTimer = 4, Cease = 6;
    private const byte MaximumPrefixes = 1, Shutdown = 2, Reset = 4, HardReset = 9;
    private const byte BadPeerAs = 2, BadIdentifier = 3;

    private const int HeaderSize = 19, Type = 3;

    private static readonly Dictionary<byte, string> Codes = new()
    {
        [1] = "Message Header Error",
        [OpenError] = "Open Message Error",
        [3] = "Update Message Error",
        [HoldTimer] = "Hold Timer Expired",
        [5] = "Finite State Machine Error",
        [Cease] = "Cease",
        [7] = "ROUTE-REFRESH Message Error",
        [8] = "Send Hold Timer Expired",
    };

    /// <summary>RFC 4271 §6.1 to §6.3, 4486 and 8538 (Cease), 5492, 6608 (state machine), 7313, 9234 and 9384.</summary>
    private static readonly Dictionary<(byte, byte), string> Subcodes = new()
    {
        [(1, 1)] = "Connection Not Synchronized",
        [(1, 2)] = "Bad Message Length",
        [(1, 3)] = "Bad Message Type",
        [(OpenError, 1)] = "Unsupported Version Number",
        [(OpenError, BadPeerAs)] = "Bad Peer AS",
        [(OpenError, BadIdentifier)] = "Bad BGP Identifier",
        [(OpenError, 4)] = "Unsupported Optional Parameter",
        [(OpenError, 5)] = "Authentication Failure",
        [(OpenError, 6)] = "Unacceptable Hold Time",
        [(OpenError, 7)] = "Unsupported Capability",
        [(OpenError, 11)] = "Role Mismatch",
        [(3, 1)] = "Malformed Attribute List",
        [(3, 2)] = "Unrecognized Well-known Attribute",
        [(3, 3)] = "Missing Well-known Attribute",
        [(3, 4)] = "Attribute Flags Error",
        [(3, 5)] = "Attribute Length Error",
        [(3, 6)] = "Invalid ORIGIN Attribute",
        [(3, 7)] = "AS Routing Loop",
        [(3, 8)] = "Invalid NEXT_HOP Attribute",
        [(3, 9)] = "Optional Attribute Error",
        [(3, 10)] = "Invalid Network Field",
        [(3, 11)] = "Malformed AS_PATH",
        [(5, 1)] = "Receive Unexpected Message in OpenSent State",
        [(5, 2)] = "Receive Unexpected Message in OpenConfirm State",
        [(5, 3)] = "Receive Unexpected Message in Established State",
        [(Cease, MaximumPrefixes)] = "Maximum Number of Prefixes Reached",
        [(Cease, Shutdown)] = "Administrative Shutdown",
        [(Cease, 3)] = "Peer De-configured",
        [(Cease, Reset)] = "Administrative Reset",
        [(Cease, 5)] = "Connection Rejected",
        [(Cease, 6)] = "Other Configuration Change",
        [(Cease, 7)] = "Connection Collision Resolution",
        [(Cease, 8)] = "Out of Resources",
        [(Cease, HardReset)] = "Hard Reset",
        [(Cease, 10)] = "BFD Down",
        [(7, 1)] = "Invalid Message Length",
    };

    public static BgpNotification HoldTimerExpired { get; } = new(HoldTimer, 0, []);

    /// <summary>The message with its header; null when it is none or cut.</summary>
    public static BgpNotification? Parse(ReadOnlySpan<byte> message)
    {
        if (message.Length < HeaderSize + 2 || message[18] != Type) return null;
        var length = System.Buffers.Binary.BinaryPrimitives.ReadUInt16BigEndian(message[16..]);
        if (length < HeaderSize + 2 || length > message.Length) return null;
        return new(message[19], message[20], message[21..length].ToArray());
    }

    /// <summary>Code and subcode in words, and the shutdown communication (RFC 9003): <c>Cease, Administrative Shutdown ("maintenance")</c>.</summary>
    public string Words
    {
        get
        {
            var text = Name(Code, Subcode);
            // RFC 8538 §3.1: the data of a Hard Reset is what it would have been without.
            if ((Code, Subcode) is not (Cease, HardReset)) return text + Communication(Code, Subcode, Data);
            return Data.Length < 2 ? text : $"{text}: {Name(Data[0], Data[1])}{Communication(Data[0], Data[1], Data.AsSpan(2))}";
        }
    }

    /// <summary>Who closed the session and why, and what to do where that is known; a sentence for people.</summary>
    public string Describe(bool byRouter, BgpPeer peer)
    {
        var (code, subcode) = (Code, Subcode) is (Cease, HardReset) && Data.Length >= 2 ? (Data[0], Data[1]) : (Code, Subcode);
        var advice = (code, subcode) switch
        {
            (Cease, MaximumPrefixes) when byRouter => " Raise its limit or set maxAdvertised.",
            (HoldTimer, _) when byRouter => " It heard nothing from this control node for the hold time.",
            (HoldTimer, _) => $" Nothing came from {peer.Address} for the hold time: is the router alive, and the path to it?",
            (OpenError, BadPeerAs) when byRouter => " It expects another AS number of this control node.",
            (OpenError, BadPeerAs) => $" Its AS number is not {peer.AutonomousSystem}.",
            (OpenError, BadIdentifier) => " Do both have the same router id?",
            _ => "",
        };
        return $"{(byRouter ? "The router" : "This control node")} closed the session: {Words}.{advice}";
    }

    private static string Name(byte code, byte subcode)
    {
        var text = Codes.GetValueOrDefault(code, $"code {code}");
        if (Subcodes.TryGetValue((code, subcode), out var name)) return $"{text}, {name}";
        return subcode == 0 ? text : $"{text}, subcode {subcode}";
    }

    /// <summary>A byte of length and that much UTF-8 (RFC 9003 §2). One that does not fit is left out.</summary>
    private static string Communication(byte code, byte subcode, ReadOnlySpan<byte> data)
    {
        if ((code, subcode) is not ((Cease, Shutdown) or (Cease, Reset)) || data.Length == 0 || data[0] > data.Length - 1) return "";
        return ForeignText.Of(Encoding.UTF8.GetString(data.Slice(1, data[0]))) is { } text ? $" (\"{text}\")" : "";
    }
}
