namespace CN2.Api.Drivers.GoBgp;

/// <summary>A policy as the engine is to have it, and the sets that it refers to. <see cref="PolicyComparison"/> compares it with what the engine lists.</summary>
internal sealed record WantedPolicy(Wire.Policy Policy, IReadOnlyList<Wire.DefinedSet> Sets)
{
    /// <summary>The name of every policy of a limited router begins with it.</summary>
    public const string LimitPrefix = "cn2-limit-";

    /// <summary>The set of external peers.</summary>
    public const string ExternalPeers = "cn2-external-peers";

    private const string NoExport = "cn2-no-export";
    private const string NoAdvertise = "cn2-no-advertise";

    public string Name => Policy.Name;

    /// <summary>
    /// Only local paths enter the table. Memberships (RFC 4684) of peers do not enter either: route target filtering reads them before the policy, and
    /// gobgpd 3.10 crashes when a default membership is in the table and the same router sends another one.
    /// </summary>
    public static WantedPolicy Import { get; } = new(
        PolicyOf("cn2-import", new Wire.Statement
        {
            Name = "cn2-import-local",
            Conditions = new() { RouteType = Wire.Conditions.Types.RouteType.Local },
            Actions = new() { RouteAction = Wire.RouteAction.Accept },
        }), []);

    /// <summary>The well-known communities of RFC 1997, which the engine ignores for local paths.</summary>
    /// <param name="externalPeers">Their addresses.</param>
    public static WantedPolicy Export(IEnumerable<System.Net.IPAddress> externalPeers) => new(
        PolicyOf("cn2-export", new Wire.Statement
        {
            Name = "cn2-export-no-advertise",
            Conditions = new() { CommunitySet = new() { Name = NoAdvertise } },
            Actions = new() { RouteAction = Wire.RouteAction.Reject },
        }, new Wire.Statement
        {
            Name = "cn2-export-no-export",
            Conditions = new() { NeighborSet = new() { Name = ExternalPeers }, CommunitySet = new() { Name = NoExport } },
            Actions = new() { RouteAction = Wire.RouteAction.Reject },
        }),
        [
            // An empty neighbour set would match every peer, so it gets an address that no peer can have.
            Set(Wire.DefinedType.Neighbor, ExternalPeers, [System.Net.IPAddress.Broadcast, .. externalPeers]),
            new() { DefinedType = Wire.DefinedType.Community, Name = NoExport, List = { "65535:65281", "65535:65283" } },
            new() { DefinedType = Wire.DefinedType.Community, Name = NoAdvertise, List = { "65535:65282" } },
        ]);

    /// <summary>The router does not get a path with its marker; all others get it without.</summary>
    public static WantedPolicy Of(LimitedPeer limited)
    {
        var name = NameOf(limited);
        return new(
            PolicyOf(name, new Wire.Statement
            {
                Name = name + "-reject",
                Conditions = new() { NeighborSet = new() { Name = name }, LargeCommunitySet = new() { Name = name } },
                Actions = new() { RouteAction = Wire.RouteAction.Reject },
            }, new Wire.Statement
            {
                Name = name + "-strip",
                Conditions = new() { LargeCommunitySet = new() { Name = name } },
                Actions = new() { LargeCommunity = new() { Type = Wire.CommunityAction.Types.Type.Remove, Communities = { limited.Marker.ToString() } } },
            }),
            [
                Set(Wire.DefinedType.Neighbor, name, [limited.Address]),
                new() { DefinedType = Wire.DefinedType.LargeCommunity, Name = name, List = { limited.Marker.ToString() } },
            ]);
    }

    public static string NameOf(LimitedPeer limited) => LimitPrefix + limited.Address;

    /// <summary>The neighbours with these addresses.</summary>
    public static Wire.DefinedSet Set(Wire.DefinedType type, string name, IEnumerable<System.Net.IPAddress> addresses) =>
        new() { DefinedType = type, Name = name, List = { addresses.Select(HostOf).Distinct() } };

    private static string HostOf(System.Net.IPAddress address) =>
        $"{address}/{(address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? 32 : 128)}";

    private static Wire.Policy PolicyOf(string name, params Wire.Statement[] statements) => new() { Name = name, Statements = { statements } };
}
