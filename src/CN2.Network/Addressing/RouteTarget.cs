using System.Diagnostics.CodeAnalysis;

namespace CN2.Network.Addressing;

/// <summary>
/// A route target, written <c>target:64512:1</c>, <c>target:10.2.2.2:561</c> or <c>target:4200000000:1</c>.
/// <paramref name="Administrator"/> is the AS or the IPv4 address as a number.
/// </summary>
public readonly record struct RouteTarget(RouteTargetKind Kind, uint Administrator, uint Number) : IComparable<RouteTarget>
{
    /// <summary>The range of automatic numbers behind a 2-byte AS (CN2).</summary>
    private const uint FirstAutomatic2 = 8_000_000, LastAutomatic2 = 16_777_216;

    /// <summary>The range of automatic numbers behind a 4-byte AS (CN2).</summary>
    private const uint FirstAutomatic4 = 8_000, LastAutomatic4 = 32_768;

    private const string Shape = "write target:<AS or IPv4 address>:<number>, such as target:64512:1";

    public static bool TryParse(string? text, out RouteTarget target, [NotNullWhen(false)] out string? error)
    {
        target = default;
        error = null;
        var parts = (text ?? "").Split(':', 4);
        if (text is null || text.Length > 64 || parts.Length != 3 || parts[0] != "target")
        {
            error = $"'{Shortened(text)}' is not a route target; {Shape}.";
            return false;
        }

        RouteTargetKind kind;
        uint administrator;
        if (parts[1].Contains('.', StringComparison.Ordinal))
        {
            if (!AddressSyntax.TryParseAddress(parts[1], IPFamily.IPv4, out var address, out error)) return false;
            kind = RouteTargetKind.IPv4Address;
            administrator = (uint)address.ToNumber();
        }
        else
        {
            if (!DecimalNumber.TryRead(parts[1], uint.MaxValue, out administrator))
            {
                error = $"The AS in '{text}' is not a number from 1 to {uint.MaxValue}; {Shape}.";
                return false;
            }

            kind = administrator <= ushort.MaxValue ? RouteTargetKind.TwoOctetAS : RouteTargetKind.FourOctetAS;
        }

        if (administrator == 0)
        {
            error = $"'{text}' has administrator 0, which is reserved; {Shape}.";
            return false;
        }

        var largest = kind == RouteTargetKind.TwoOctetAS ? uint.MaxValue : ushort.MaxValue;
        if (!DecimalNumber.TryRead(parts[2], largest, out var number))
        {
            error = $"The number in '{text}' is not a number from 0 to {largest}, which is what fits behind {(kind == RouteTargetKind.TwoOctetAS ? "a 2-byte AS" : kind == RouteTargetKind.FourOctetAS ? "a 4-byte AS" : "an IPv4 address")}.";
            return false;
        }

        target = new RouteTarget(kind, administrator, number);
        return true;
    }

    /// <summary>The route target that every network has without being asked; null when the number does not fit behind a 4-byte AS.</summary>
    public static RouteTarget? Automatic(uint autonomousSystem, int network)
    {
        if (autonomousSystem <= ushort.MaxValue) return new RouteTarget(RouteTargetKind.TwoOctetAS, autonomousSystem, FirstAutomatic2 + (uint)network);
        return FirstAutomatic4 + network <= LastAutomatic4 ? new RouteTarget(RouteTargetKind.FourOctetAS, autonomousSystem, FirstAutomatic4 + (uint)network) : null;
    }

    /// <summary>The first and the last number of the automatic route targets of an AS of this form, of which each network has one.</summary>
    internal static (uint First, uint Last) AutomaticNumbers(RouteTargetKind kind) =>
        kind == RouteTargetKind.TwoOctetAS ? (FirstAutomatic2, LastAutomatic2) : (FirstAutomatic4, LastAutomatic4);

    /// <summary>Whether it lies in the range of the automatic route targets of this AS, which users must not choose.</summary>
    public bool IsReserved(uint autonomousSystem) => Administrator == autonomousSystem && Kind switch
    {
        RouteTargetKind.TwoOctetAS => Number is >= FirstAutomatic2 and <= LastAutomatic2,
        RouteTargetKind.FourOctetAS => Number is >= FirstAutomatic4 and <= LastAutomatic4,
        _ => false,
    };

    public int CompareTo(RouteTarget other) => (Kind, Administrator, Number).CompareTo((other.Kind, other.Administrator, other.Number));

    public override string ToString() => Kind == RouteTargetKind.IPv4Address
        ? $"target:{AddressArithmetic.ToAddress(Administrator, IPFamily.IPv4)}:{Number}"
        : $"target:{Administrator}:{Number}";

    private static string Shortened(string? text) => text is { Length: > 64 } ? text[..64] + "…" : text ?? "";
}
