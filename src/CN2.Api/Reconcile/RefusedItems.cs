using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using CN2.Api.Drivers;
using CN2.Network.Addressing;
using CN2.Network.Compilation;
using CN2.Network.Overlay;
using CN2.Network.Resources;
using CN2.Network.Sequencing;

namespace CN2.Api.Reconcile;

/// <summary>What one vRouter refuses, with reasons. Immutable. Its document is how other replicas read it (<c>virtual_router_status.refused</c>).</summary>
internal sealed class RefusedItems
{
    private static readonly JsonSerializerOptions Json = new() { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault };

    private readonly Dictionary<VirtualRouterItem, string> _reasons;

    private RefusedItems(Dictionary<VirtualRouterItem, string> reasons, string? document) => (_reasons, Document) = (reasons, document);

    public static RefusedItems None { get; } = new([], null);

    /// <summary>JSON; null: nothing is refused.</summary>
    public string? Document { get; }

    public bool IsEmpty => _reasons.Count == 0;

    public IEnumerable<VirtualRouterItem> Items => _reasons.Keys;

    /// <summary>One sentence about all of them; null: there are none.</summary>
    public string? Summary => _reasons.Count switch
    {
        0 => null,
        1 => _reasons.Values.First(),
        var count => $"{_reasons.Values.First()} (and {count - 1} more)",
    };

    public static RefusedItems Of(IReadOnlyCollection<VRouterRefusal> refusals)
    {
        if (refusals.Count == 0) return None;
        var reasons = refusals.ToDictionary(r => r.Item, r => r.Reason);
        // In an order of its own, so that equal refusals are equal documents.
        var entries = reasons.Select(r => Entry.Of(r.Key, r.Value)).OrderBy(e => e.Kind).ThenBy(e => e.Address, StringComparer.Ordinal).ThenBy(e => e.Protocol).ThenBy(e => e.Number).ThenBy(e => e.Instance);
        return new RefusedItems(reasons, JsonSerializer.Serialize(entries, Json));
    }

    /// <summary>Reads a document; what a later version has written and this one does not know is left out.</summary>
    public static RefusedItems Parse(string? document)
    {
        if (document is null) return None;
        try
        {
            var reasons = new Dictionary<VirtualRouterItem, string>();
            foreach (var entry in JsonSerializer.Deserialize<List<Entry>>(document, Json) ?? [])
            {
                if (entry.ToItem() is { } item) reasons[item] = entry.Reason ?? "";
            }

            return new RefusedItems(reasons, document);
        }
        catch (JsonException)
        {
            return new RefusedItems([], document);
        }
    }

    /// <summary>Why this entry is not in force, or null when it is: the entry itself, its RoutingInstance or its address in the drop set is refused.</summary>
    public string? ReasonOf(NatEntryKey key)
    {
        if (_reasons.Count == 0) return null;
        if (_reasons.TryGetValue(new VirtualRouterItem.NatEntry(key), out var reason)) return reason;
        if (key.RoutingInstance != 0) return _reasons.GetValueOrDefault(new VirtualRouterItem.RoutingInstance(key.RoutingInstance));
        return key.Address is { } address ? ReasonOf(address) : null;
    }

    /// <summary>Why this address of the underlay is not in the drop set, or null when it is.</summary>
    public string? ReasonOf(IPAddress address) => _reasons.Count == 0 ? null : _reasons.GetValueOrDefault(new VirtualRouterItem.FloatingIP(address));

    /// <summary>The items that only one of the two refuses, and those for which they give different reasons.</summary>
    public IReadOnlyCollection<VirtualRouterItem> Differences(RefusedItems other) =>
        [.. _reasons.Where(r => other._reasons.GetValueOrDefault(r.Key) != r.Value).Select(r => r.Key), .. other._reasons.Keys.Where(i => !_reasons.ContainsKey(i))];

    private enum Kind
    {
        Unknown,
        NatEntry,
        FloatingIP,
        Probe,
        RoutingInstance,
        VpnRoute,
    }

    /// <param name="Number">A port, a RoutingInstance or the length of a prefix.</param>
    private sealed record Entry(Kind Kind, string? Address, bool IPv6, int Protocol, int Number, int Instance, Guid Uid, string? Reason)
    {
        public static Entry Of(VirtualRouterItem item, string reason) => item switch
        {
            VirtualRouterItem.NatEntry { Key: var k } => new(Kind.NatEntry, k.Address?.ToString(), k.Family == IPFamily.IPv6, (int)(k.Protocol ?? 0), k.Port, k.RoutingInstance, default, reason),
            VirtualRouterItem.FloatingIP f => new(Kind.FloatingIP, f.Address.ToString(), false, 0, 0, 0, default, reason),
            VirtualRouterItem.Probe p => new(Kind.Probe, null, false, 0, 0, 0, p.Endpoint, reason),
            VirtualRouterItem.RoutingInstance i => new(Kind.RoutingInstance, null, false, 0, i.Number, 0, default, reason),
            VirtualRouterItem.VpnRoute { Key: var k } => new(Kind.VpnRoute, k.Prefix.BaseAddress.ToString(), false, 0, k.Prefix.PrefixLength, k.RoutingInstance, default, reason),
            _ => throw new ArgumentOutOfRangeException(nameof(item)),
        };

        public VirtualRouterItem? ToItem()
        {
            var address = IPAddress.TryParse(Address, out var parsed) ? parsed : null;
            return Kind switch
            {
                Kind.NatEntry => new VirtualRouterItem.NatEntry(new NatEntryKey(
                    IPv6 ? IPFamily.IPv6 : IPFamily.IPv4, address, Protocol == 0 ? null : (TransportProtocol)Protocol, (ushort)Number, Instance)),
                Kind.FloatingIP when address is not null => new VirtualRouterItem.FloatingIP(address),
                Kind.Probe => new VirtualRouterItem.Probe(Uid),
                Kind.RoutingInstance => new VirtualRouterItem.RoutingInstance(Number),
                Kind.VpnRoute when IPNetwork.TryParse($"{Address}/{Number}", out var prefix) => new VirtualRouterItem.VpnRoute(new VpnRouteKey(Instance, prefix)),
                _ => null,
            };
        }
    }
}
