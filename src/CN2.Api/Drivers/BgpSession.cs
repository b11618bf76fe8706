using CN2.Network.Collections;

namespace CN2.Api.Drivers;

/// <summary>A session as the speaker sees it (docs/contract.md §3, BgpRouter status). Counts are numbers of routes.</summary>
/// <param name="State">As in RFC 4271 §8.2.2: Idle, Connect, Active, OpenSent, OpenConfirm or Established.</param>
/// <param name="Families">The address families that were negotiated.</param>
/// <param name="LastError">Why the session is down or not complete, as a sentence; null when there is nothing to correct.</param>
public sealed record BgpSession(
    string Peer,
    string State,
    DateTimeOffset Since,
    EquatableList<string> Families,
    bool AddPath,
    long Advertised,
    long Received,
    string? LastError)
{
    /// <summary>How many prefixes are not sent because of <see cref="BgpPeer.MaxAdvertised"/>; 0 also when no session is up.</summary>
    public long Withheld { get; init; }

    public bool IsEstablished => State == "Established";
}
