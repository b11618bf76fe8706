namespace CN2.Api.Drivers.GoBgp;

/// <summary>What the two OPEN messages of a peer's session say (RFC 5492).</summary>
internal static class PeerCapabilities
{
    private const uint NotificationFlag = 4;

    /// <summary>The router announced that it sends an End-of-RIB marker after its initial routes (RFC 4724 §2).</summary>
    public static bool SendsEndOfRib(Wire.Peer peer) =>
        peer.State?.RemoteCap.Any(c => c.Is(Wire.GracefulRestartCapability.Descriptor)) == true;

    /// <summary>The router announced that it keeps routes also over a NOTIFICATION (N bit, RFC 8538 §2).</summary>
    public static bool KeepsOverNotification(Wire.Peer peer) =>
        peer.State?.RemoteCap.Any(c => c.TryUnpack<Wire.GracefulRestartCapability>(out var restart) && (restart.Flags & NotificationFlag) != 0) == true;

    /// <summary>The router gets several paths of a prefix in this session.</summary>
    public static bool SendsSeveral(Wire.Peer peer) => Negotiated(peer).AddPath.Length > 0;

    public static bool IsNegotiated(Wire.Peer peer, Wire.Family family) => Negotiated(peer).Families.Contains(PeerMapper.FamilyName(family));

    /// <summary>The families that the router offered in this session.</summary>
    public static HashSet<string> Spoken(Wire.Peer peer)
    {
        var theirs = new HashSet<string>();
        var multiprotocol = false;
        foreach (var capability in peer.State.RemoteCap)
        {
            if (!capability.TryUnpack<Wire.MultiProtocolCapability>(out var family)) continue;
            multiprotocol = true;
            if (PeerMapper.FamilyName(family.Family) is { } name) theirs.Add(name);
        }
        if (!multiprotocol) theirs.Add("inet"); // RFC 4760 §8
        return theirs;
    }

    /// <summary>The families of both sides, and those of which the router gets several paths of a prefix.</summary>
    public static (string[] Families, string[] AddPath) Negotiated(Wire.Peer peer)
    {
        var theirs = Spoken(peer);
        // What was really offered, not what was asked for: UpdatePeer of gobgpd 3.10 can lose ADD-PATH.
        var offered = AddPath(peer.State.LocalCap, Wire.AddPathCapabilityTuple.Types.Mode.Send);
        var taking = AddPath(peer.State.RemoteCap, Wire.AddPathCapabilityTuple.Types.Mode.Receive);
        var families = new List<string>();
        var sent = new List<string>();
        foreach (var family in peer.AfiSafis)
        {
            if (PeerMapper.FamilyName(family.Config?.Family) is not { } name || !theirs.Contains(name)) continue;
            families.Add(name);
            if (offered.Contains(name) && taking.Contains(name)) sent.Add(name);
        }
        return ([.. families], [.. sent]);
    }

    /// <summary>The families that an OPEN offers to send or to take several paths of (RFC 7911 §4).</summary>
    private static HashSet<string> AddPath(IEnumerable<Google.Protobuf.WellKnownTypes.Any> capabilities, Wire.AddPathCapabilityTuple.Types.Mode mode)
    {
        var names = new HashSet<string>();
        foreach (var any in capabilities)
        {
            if (!any.TryUnpack<Wire.AddPathCapability>(out var addPath)) continue;
            foreach (var tuple in addPath.Tuples)
                if ((tuple.Mode == mode || tuple.Mode == Wire.AddPathCapabilityTuple.Types.Mode.Both) && PeerMapper.FamilyName(tuple.Family) is { } name) names.Add(name);
        }
        return names;
    }
}
