using System.Net;

namespace CN2.Network.Addressing;

/// <summary>Addresses of one family from <paramref name="First"/> to <paramref name="Last"/>, both included; written <c>a-b</c>, or <c>a</c> for a single one.</summary>
public sealed record AddressRange(IPAddress First, IPAddress Last)
{
    public IPFamily Family => First.FamilyOf();

    /// <summary>How many addresses; saturates at 2^128 - 1.</summary>
    public UInt128 Count => Last.ToNumber() - First.ToNumber() is var span && span == UInt128.MaxValue ? span : span + 1;

    public static AddressRange Of(UInt128 first, UInt128 last, IPFamily family) =>
        new(AddressArithmetic.ToAddress(first, family), AddressArithmetic.ToAddress(last, family));

    public bool Contains(IPAddress address) =>
        address.FamilyOf() == Family && address.ToNumber() is var number && number >= First.ToNumber() && number <= Last.ToNumber();

    public override string ToString() => First.Equals(Last) ? First.ToString() : $"{First}-{Last}";
}
