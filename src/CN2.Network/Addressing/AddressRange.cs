using System.Net;

namespace CN2.Network.Addressing;

/// <summary>A run of addresses of one family, both ends included; written <c>a-b</c>, or <c>a</c> for a single one.</summary>
public sealed record AddressRange(IPAddress First, IPAddress Last)
{
    public IPFamily Family => First.FamilyOf();

    /// <summary>How many addresses; saturates at 2^128 - 1.</summary>
    public UInt128 Count => Last.ToNumber() - First.ToNumber() is var span && span == UInt128.MaxValue ? span : span + 1;

    public bool Contains(IPAddress address) =>
        address.FamilyOf() == Family && address.ToNumber() is var number && number >= First.ToNumber() && number <= Last.ToNumber();

    public override string ToString() => First.Equals(Last) ? First.ToString() : $"{First}-{Last}";
}
