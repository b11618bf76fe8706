using System.Net;
using CN2.Api.Drivers;
using CN2.Api.Drivers.GoBgp;
using CN2.Api.Options;
using CN2.Api.Tests.Drivers.GoBgp.Lab;
using CN2.Network.Addressing;
using CN2.Network.Collections;

namespace CN2.Api.Tests.Drivers.GoBgp;

/// <summary>Speakers, paths and peers of the lab's network, for the tests of the speaker.</summary>
internal static class Spec
{
    public const uint Asn = 64512;

    public static CancellationToken Token => TestContext.Current.CancellationToken;

    public static GoBgpSpeaker Speaker(GoBgpd engine, uint asn = Asn, Func<BgpOptions, BgpOptions>? change = null, ISessionTurns? turns = null)
    {
        var options = new BgpOptions { GoBgpAddress = new Uri(engine.Address), AutonomousSystem = asn, RouterId = IPAddress.Parse("172.27.115.241") };
        return new(change?.Invoke(options) ?? options, turns ?? new FreeTurns(), TimeProvider.System, new TestOutputLog<GoBgpSpeaker>(), engine.Listen);
    }

    public static BgpPath Path(string prefix, string nextHop, uint med = 100, uint preference = 200, string[]? communities = null, string[]? large = null) =>
        new(IPAddress.Parse(prefix), IPAddress.Parse(nextHop), preference, med,
            (communities ?? []).Select(Community).ToEquatableList(), (large ?? []).Select(LargeCommunity).ToEquatableList());

    /// <summary>A VPN route of network <paramref name="number"/>, as the reconciler makes it.</summary>
    public static BgpPath Vpn(string prefix, string nextHop, ushort number, string[]? targets = null, string[]? communities = null, uint? label = null) =>
        Path(prefix, nextHop, communities: communities) with
        {
            Vpn = new(new(IPAddress.Parse(nextHop), number), label ?? MplsLabel.Of(number),
                (targets ?? ["target:64512:1", $"target:64512:{8_000_000 + number}"]).Select(Target).ToEquatableList()),
        };

    /// <summary>One more than a path can have: the engine would refuse it.</summary>
    public static EquatableList<BgpCommunity> TooManyCommunities { get; } =
        Enumerable.Range(0, PathLimits.MaxCommunities + 1).Select(i => Community($"64512:{i}")).ToEquatableList();

    public static RouteTargetMembership Membership(string target, uint origin = Asn) => new(origin, Target(target));

    public static RouteTarget Target(string text) =>
        RouteTarget.TryParse(text, out var target, out var error) ? target : throw new ArgumentException(error, nameof(text));

    public static BgpCommunity Community(string text) =>
        BgpCommunity.TryParse(text, out var community, out var error) ? community : throw new ArgumentException(error, nameof(text));

    private static LargeCommunity LargeCommunity(string text) =>
        Network.Addressing.LargeCommunity.TryParse(text, out var community, out var error) ? community : throw new ArgumentException(error, nameof(text));

    public static BgpPathKey Key(string prefix, string nextHop) => new(IPAddress.Parse(prefix), new(IPAddress.Parse(nextHop), 0));

    public static BgpPeer Peer(string name, int host, uint asn = Asn, Func<BgpPeer, BgpPeer>? change = null)
    {
        var peer = new BgpPeer(name, IPAddress.Parse($"172.27.115.{host}"), asn, 179, ["inet", "inet6", "inet-vpn", "inet6-vpn"], 90, null,
            null, Passive: false, AddPath: true, AdminDown: false, GracefulRestart: true, 120);
        return change?.Invoke(peer) ?? peer;
    }

    public static BgpSession Session(this IBgpSpeaker speaker, string peer) => speaker.Sessions.Single(s => s.Peer == peer);

    /// <summary>The session is established and its families are known: the engine tells of the state by an event and of the families by its next list.</summary>
    public static Task EstablishedAsync(this IBgpSpeaker speaker, string peer, int seconds = 30) => Eventually.TrueAsync(
        () => speaker.Sessions.Any(s => s.Peer == peer && s.IsEstablished && s.Families.Count > 0), $"session with {peer} established", seconds,
        () => string.Join("; ", speaker.Sessions));

    /// <summary>So many routes are shown as advertised. A router may have them before the families of its session are known here.</summary>
    public static Task AdvertisesAsync(this IBgpSpeaker speaker, string peer, long count) => Eventually.TrueAsync(
        () => speaker.Session(peer).Advertised == count, $"{count} advertised to {peer}", 10, () => string.Join("; ", speaker.Sessions));

    /// <summary>FRR's neighbour statements for VPN routes too; FRR keeps them without a VRF of its own.</summary>
    public static string FrrVpnNeighbor(uint asn = Asn, string extra = "") => FrrNeighbor(asn, extra) + """

         address-family ipv4 vpn
          neighbor 172.27.115.241 activate
         exit-address-family
         address-family ipv6 vpn
          neighbor 172.27.115.241 activate
         exit-address-family
        """;

    /// <summary>FRR's neighbour statements for the control node, with a short connect timer.</summary>
    public static string FrrNeighbor(uint asn = Asn, string extra = "") => $"""
         neighbor 172.27.115.241 remote-as {asn}
         neighbor 172.27.115.241 timers connect 1
         {extra}
         address-family ipv4 unicast
          neighbor 172.27.115.241 activate
          maximum-paths 16
          maximum-paths ibgp 16
         exit-address-family
         address-family ipv6 unicast
          neighbor 172.27.115.241 activate
          maximum-paths 16
          maximum-paths ibgp 16
         exit-address-family
        """;
}
