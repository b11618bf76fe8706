using System.Text.Json.Serialization;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Resources;

namespace CN2.Api.Data.Documents;

/// <summary>Column <c>external_network.spec</c>: the request with every default filled in, without the members that have columns of their own.</summary>
public sealed record ExternalNetworkSpec
{
    public List<SubnetSpec> Subnets { get; set; } = [];
    public List<string> RouteTargets { get; set; } = [];
    public List<string> ImportRouteTargets { get; set; } = [];
    public List<string> ExportRouteTargets { get; set; } = [];
    public AdvertisementSpec Advertisement { get; set; } = new();

    /// <summary>vRouters with a route to a FloatingIP of the network answer echo requests to it.</summary>
    public bool AnswerPing { get; set; } = true;

    /// <summary>Selects the namespaces that may use the network; null: all.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public LabelSelectorBody? AllowedNamespaces { get; set => field = Sorted(value); }

    /// <summary>jsonb has its own order of members.</summary>
    private static LabelSelectorBody? Sorted(LabelSelectorBody? selector) => selector?.MatchLabels is not { } labels ? selector
        : selector with { MatchLabels = labels.OrderBy(l => l.Key, StringComparer.Ordinal).ToDictionary() };

    /// <summary>The targets of both directions, those of one direction, and the automatic target of the network. Sorted, distinct.</summary>
    public EquatableList<RouteTarget> RouteTargetsWith(IEnumerable<string> ofDirection, uint autonomousSystem, int number)
    {
        var targets = new SortedSet<RouteTarget>();
        foreach (var text in RouteTargets.Concat(ofDirection))
            if (RouteTarget.TryParse(text, out var target, out _)) targets.Add(target);
        if (RouteTarget.Automatic(autonomousSystem, number) is { } automatic) targets.Add(automatic);
        return targets.ToEquatableList();
    }
}

/// <summary>One subnet. <see cref="Gateway"/> null: it has none (a /31, /32, /127, /128 without one).</summary>
public sealed record SubnetSpec
{
    public string Cidr { get; set; } = "";
    public string? Gateway { get; set; }
    public List<AddressRangeSpec> Ranges { get; set; } = [];
    public List<string> Reserved { get; set; } = [];
}

/// <summary>A run of addresses, both ends included.</summary>
public sealed record AddressRangeSpec
{
    public string From { get; set; } = "";
    public string To { get; set; } = "";
}

/// <summary>Attributes of routes; the defaults are CN2's. Communities are in canonical text, sorted and distinct.</summary>
public sealed record AdvertisementSpec
{
    public uint LocalPreference { get; set; } = 200;
    public uint Med { get; set; } = 100;
    public List<string> Communities { get; set => field = Sorted(value.Select(CanonicalText)); } = [];
    public List<string> LargeCommunities { get; set => field = Sorted(value); } = [];

    /// <summary>Routes of the underlay say how much their nodes can take.</summary>
    public bool Weighted { get; set; }

    /// <summary>The attributes as values. <paramref name="fault"/>: a sentence for what cannot be read and is left out; null when all can.</summary>
    public Advertisement Read(out string? fault)
    {
        fault = null;
        var communities = new List<BgpCommunity>(Communities.Count);
        foreach (var text in Communities)
        {
            if (BgpCommunity.TryParse(text, out var community, out var error)) communities.Add(community);
            else fault ??= error;
        }

        var large = new List<LargeCommunity>(LargeCommunities.Count);
        foreach (var text in LargeCommunities)
        {
            if (LargeCommunity.TryParse(text, out var community, out var error)) large.Add(community);
            else fault ??= error;
        }

        return new Advertisement(LocalPreference, Med, communities.ToEquatableList(), large.ToEquatableList(), Weighted);
    }

    private static string CanonicalText(string text) => BgpCommunity.TryParse(text, out var community, out _) ? community.ToString() : text;

    private static List<string> Sorted(IEnumerable<string> texts) => [.. texts.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
}
