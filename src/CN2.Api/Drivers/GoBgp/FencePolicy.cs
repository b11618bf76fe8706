using System.Security.Cryptography;
using System.Text;
using CN2.Network.Addressing;
using CN2.Network.Fencing;
using CN2.Network.Grants;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// An <see cref="ExportFence"/> as a policy of the engine and the sets that it refers to. Each rule becomes a statement that accepts what the rule admits;
/// the assignment rejects everything else. All names have the fingerprint of the contents, so one that is assigned is the same.
/// </summary>
internal sealed class FencePolicy
{
    private readonly List<Wire.DefinedSet> _sets = [];

    /// <summary>Every name of a fence begins with it.</summary>
    public const string Prefix = "cn2-fence-";

    private const string AnyNumber = "[0-9]+";

    /// <summary>What the statements are made of; another form gets another name.</summary>
    private const string Form = "2";

    /// <summary>GRE and MPLS-in-UDP (<see cref="PathAttributes.Encapsulations"/>), as the engine writes them.</summary>
    private const string AllowedEncapsulations = "encap:^(GRE|MPLS in UDP)$";

    /// <summary>Every extended community that the engine can match: of these four sub-types, and of a type below 0x3f.</summary>
    private static readonly string[] AnyExtendedCommunity = ["rt:.*", "soo:.*", "encap:.*", "lb:.*"];

    /// <summary>
    /// Removes no community of a type below 0x3f, because none is an empty text; gobgpd 3.10 takes all those of other types off with every removal
    /// (read in its source, tried in FenceTests).
    /// </summary>
    private static readonly Wire.CommunityAction RemoveOtherTypes = new() { Type = Wire.CommunityAction.Types.Type.Remove, Communities = { "lb:^$" } };

    public FencePolicy(ExportFence fence)
    {
        Name = Prefix + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(TextOf(fence))).AsSpan(0, 8));
        Policy = new Wire.Policy { Name = Name };
        // What this control node asks routers for (RFC 4684) names no address.
        Add("memberships", new() { AfiSafiIn = { RouteFamilies.RouteTarget } });
        // The server gives no route of the underlay an extended community but the link bandwidth, which is of type 0x40.
        AddSet(Wire.DefinedType.ExtCommunity, "extended", AnyExtendedCommunity);
        Policy.Statements.Add(new Wire.Statement
        {
            Name = $"{Name}-extended",
            Conditions = new()
            {
                AfiSafiIn = { RouteFamily.Inet.ToWire(), RouteFamily.Inet6.ToWire() },
                ExtCommunitySet = new() { Type = Wire.MatchSet.Types.Type.Any, Name = $"{Name}-extended" },
            },
            Actions = new() { RouteAction = Wire.RouteAction.Reject },
        });
        for (var i = 0; i < fence.Rules.Count; i++) AddRule($"{i}", fence.Rules[i]);
    }

    public string Name { get; }

    /// <summary>What the policy refers to; it is made before it.</summary>
    public IReadOnlyList<Wire.DefinedSet> Sets => _sets;

    public Wire.Policy Policy { get; }

    public WantedPolicy Wanted => new(Policy, Sets);

    /// <summary>
    /// Matches every community outside of the patterns. The engine asks whether a path has one that matches; it cannot ask whether all of them do.
    /// </summary>
    internal static IReadOnlyList<string> Outside(IReadOnlyCollection<CommunityPattern> patterns)
    {
        var bySystem = patterns.GroupBy(p => p.AutonomousSystem, p => p.Values).OrderBy(g => g.Key).ToList();
        var expressions = new List<string>();
        AddIfAny(expressions, NumberExpression.Gaps(bySystem.Select(g => new NumberRange(g.Key, g.Key)), ushort.MaxValue), others => $"^({others}):{AnyNumber}$");
        foreach (var system in bySystem) AddIfAny(expressions, NumberExpression.Gaps(system, ushort.MaxValue), values => $"^{system.Key}:({values})$");
        return expressions;
    }

    /// <inheritdoc cref="Outside(IReadOnlyCollection{CommunityPattern})"/>
    internal static IReadOnlyList<string> Outside(IReadOnlyCollection<LargeCommunityPattern> patterns)
    {
        var byAdministrator = patterns.GroupBy(p => p.Administrator).OrderBy(g => g.Key).ToList();
        var expressions = new List<string>();
        AddIfAny(expressions, NumberExpression.Gaps(byAdministrator.Select(g => new NumberRange(g.Key, g.Key)), uint.MaxValue), others => $"^({others}):{AnyNumber}:{AnyNumber}$");
        foreach (var administrator in byAdministrator)
        {
            AddIfAny(expressions, NumberExpression.Gaps(administrator.Select(p => p.Data1), uint.MaxValue), data1 => $"^{administrator.Key}:({data1}):{AnyNumber}$");
            // Between two edges of the first number the same patterns count.
            var edges = administrator.SelectMany(p => new[] { (ulong)p.Data1.First, p.Data1.Last + 1UL }).Distinct().Order().ToList();
            foreach (var (from, to) in edges.Zip(edges.Skip(1)))
            {
                var run = new NumberRange((uint)from, (uint)(to - 1));
                var values = administrator.Where(p => p.Data1.Contains(run.First)).Select(p => p.Data2).ToList();
                if (values.Count > 0) AddIfAny(expressions, NumberExpression.Gaps(values, uint.MaxValue), gaps => $"^{administrator.Key}:({NumberExpression.Of([run])}):({gaps})$");
            }
        }

        return expressions;
    }

    /// <summary>Matches exactly the route targets of the patterns, as the engine writes them: a 4-byte AS in two parts.</summary>
    internal static IReadOnlyList<string> Inside(IEnumerable<RouteTargetPattern> patterns) =>
    [
        .. patterns.GroupBy(p => (p.Kind, p.Administrator), p => p.Numbers).OrderBy(g => g.Key)
            .Select(g => $"rt:^{AdministratorOf(g.Key.Kind, g.Key.Administrator)}:({NumberExpression.Of(g)})$"),
    ];

    private static string AdministratorOf(RouteTargetKind kind, uint administrator) => kind switch
    {
        RouteTargetKind.TwoOctetAS => $"{administrator}",
        RouteTargetKind.FourOctetAS => $@"{administrator >> 16}\.{administrator & 0xFFFF}",
        _ => $"{AddressArithmetic.ToAddress(administrator, IPFamily.IPv4)}".Replace(".", @"\.", StringComparison.Ordinal),
    };

    private static void AddIfAny(List<string> expressions, List<NumberRange> ranges, Func<string, string> expression)
    {
        if (ranges.Count > 0) expressions.Add(expression(NumberExpression.Of(ranges)));
    }

    private static string TextOf(ExportFence fence) => Form + string.Join('\n', fence.Rules.Select(r => string.Join(' ',
        r.Owner, r.IsOverlay, string.Join(',', r.Prefixes), string.Join(',', r.RouteTargets), r.Communities is null ? "*" : string.Join(',', r.Communities),
        r.LargeCommunities is null ? "*" : string.Join(',', r.LargeCommunities))));

    private void AddRule(string name, ExportRule rule)
    {
        // An overlay rule without route targets admits nothing.
        if (rule is { IsOverlay: true, RouteTargets.Count: 0 }) return;
        var conditions = new Wire.Conditions();
        if (rule.IsOverlay)
        {
            // ALL: every route target and encapsulation of the path is one of the set. Measured with gobgpd 3.10; for communities it means the opposite.
            conditions.ExtCommunitySet = new() { Type = Wire.MatchSet.Types.Type.All, Name = $"{Name}-{name}-targets" };
            AddSet(Wire.DefinedType.ExtCommunity, $"{name}-targets", [.. Inside(rule.RouteTargets), AllowedEncapsulations]);
        }

        if (rule.Communities is { } communities && Outside(communities) is { Count: > 0 } outside)
        {
            conditions.CommunitySet = new() { Type = Wire.MatchSet.Types.Type.Invert, Name = $"{Name}-{name}-others" };
            AddSet(Wire.DefinedType.Community, $"{name}-others", outside);
        }

        if (rule.LargeCommunities is { } large && Outside(large) is { Count: > 0 } largeOutside)
        {
            conditions.LargeCommunitySet = new() { Type = Wire.MatchSet.Types.Type.Invert, Name = $"{Name}-{name}-large-others" };
            AddSet(Wire.DefinedType.LargeCommunity, $"{name}-large-others", largeOutside);
        }

        foreach (var family in rule.Prefixes.GroupBy(p => p.FamilyOf()))
        {
            var bits = (uint)AddressArithmetic.BitsOf(family.Key);
            var prefixes = AddSet(Wire.DefinedType.Prefix, $"{name}-{family.Key}", []);
            prefixes.Prefixes.AddRange(family.Select(p => new Wire.Prefix { IpPrefix = p.ToString(), MaskLengthMin = (uint)p.PrefixLength, MaskLengthMax = bits }));
            var ofFamily = conditions.Clone();
            ofFamily.PrefixSet = new() { Name = prefixes.Name };
            ofFamily.AfiSafiIn.Add(FamilyOf(family.Key, rule.IsOverlay).ToWire());
            Add($"{name}-{family.Key}", ofFamily, rule.IsOverlay ? RemoveOtherTypes : null);
        }
    }

    private static RouteFamily FamilyOf(IPFamily family, bool isOverlay) => (family, isOverlay) switch
    {
        (IPFamily.IPv4, false) => RouteFamily.Inet,
        (IPFamily.IPv4, true) => RouteFamily.InetVpn,
        (_, false) => RouteFamily.Inet6,
        _ => RouteFamily.Inet6Vpn,
    };

    private Wire.DefinedSet AddSet(Wire.DefinedType type, string name, IEnumerable<string> expressions)
    {
        var set = new Wire.DefinedSet { DefinedType = type, Name = $"{Name}-{name}" };
        set.List.AddRange(expressions);
        _sets.Add(set);
        return set;
    }

    private void Add(string name, Wire.Conditions conditions, Wire.CommunityAction? extended = null) =>
        Policy.Statements.Add(new Wire.Statement { Name = $"{Name}-{name}", Conditions = conditions, Actions = new() { RouteAction = Wire.RouteAction.Accept, ExtCommunity = extended } });
}
