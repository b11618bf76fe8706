using Google.Protobuf.WellKnownTypes;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// The extended community that says how much of the traffic a path can take (draft-ietf-idr-link-bandwidth): type 0x40, sub-type 4, an AS number of two octets
/// and octets a second. gobgpd 3.10 sends it to peers of other AS numbers too, although it is non-transitive, and FRR 8.4 takes it from them.
/// </summary>
internal readonly record struct LinkBandwidth(ushort AutonomousSystem, int Weight)
{
    /// <summary>What FRR 8.4 reads the number into has 32 bits: a larger one would be a much smaller one.</summary>
    public const int MostWeight = 34_359;

    /// <summary>Octets a second of a weight of 1: 1 Mbit/s, so that ratios are kept where numbers are rounded to that.</summary>
    private const double Unit = 125_000;

    /// <summary>Stands for an AS number of four octets (RFC 6793).</summary>
    private const ushort AsTrans = 23_456;

    private float Bandwidth => (float)(Weight * Unit);

    /// <summary>The community of a path of this weight; null for 0. A weight above <see cref="MostWeight"/> counts as that.</summary>
    public static LinkBandwidth? Of(int weight, uint autonomousSystem) =>
        weight == 0 ? null : new(autonomousSystem > ushort.MaxValue ? AsTrans : (ushort)autonomousSystem, Math.Min(weight, MostWeight));

    public Any Encode() => PathAttributes.Pack(new Wire.LinkBandwidthExtended { Asn = AutonomousSystem, Bandwidth = Bandwidth });

    /// <summary>Reads what <see cref="Encode"/> wrote; false for anything else.</summary>
    public static bool TryDecode(Any community, out LinkBandwidth bandwidth)
    {
        bandwidth = default;
        if (!community.TryUnpack<Wire.LinkBandwidthExtended>(out var found) || !(found.Bandwidth is > 0 and <= (float)(MostWeight * Unit))) return false;
        bandwidth = new((ushort)found.Asn, (int)Math.Round(found.Bandwidth / Unit));
        return found.Asn <= ushort.MaxValue && bandwidth.Weight > 0 && bandwidth.Bandwidth.Equals(found.Bandwidth);
    }
}
