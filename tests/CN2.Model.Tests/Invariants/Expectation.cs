using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using CN2.Model.Tests.Lab;

namespace CN2.Model.Tests.Invariants;

/// <summary>What must hold once everything is at rest, said as simply as the contract says it. Each fault is a line for a reader.</summary>
internal sealed class Expectation
{
    private readonly Reality _reality;
    private readonly ModelLab _lab;
    private readonly List<string> _faults = [];
    private readonly Dictionary<string, Dictionary<string, HashSet<string>>> _entries = ModelLab.VirtualRouters.ToDictionary(v => v, _ => new Dictionary<string, HashSet<string>>());

    /// <summary>The FloatingIPs for which each vRouter answers: those with a route through it whose ports are mapped.</summary>
    private readonly Dictionary<string, HashSet<string>> _answering = ModelLab.VirtualRouters.ToDictionary(v => v, _ => new HashSet<string>());
    private readonly HashSet<RibPath> _routes = [];
    private readonly HashSet<(string Address, string NextHop)> _overlay = [];
    private readonly Dictionary<string, JsonObject> _networks;
    private readonly HashSet<string> _routers;
    private readonly HashSet<string> _down;

    private Expectation(Reality reality, ModelLab lab)
    {
        _reality = reality;
        _lab = lab;
        _networks = reality.Networks.ToDictionary(Id);
        _routers = reality.VirtualRouters.Select(r => (string)r["name"]!).ToHashSet();
        _down = reality.VirtualRouters.Where(r => (bool?)r["adminDown"] == true).Select(r => (string)r["name"]!).ToHashSet();
    }

    public static List<string> Faults(Reality reality, ModelLab lab)
    {
        var expectation = new Expectation(reality, lab);
        expectation.Pools();
        expectation.Endpoints();
        expectation.Services();
        expectation.Reservations();
        expectation.Tables();
        expectation.Routes();
        return expectation._faults;
    }

    private static string Id(JsonObject resource) => $"{resource["namespace"]}/{resource["name"]}";

    /// <summary>What cannot be taken promises nothing; only its neighbours do.</summary>
    private static bool IsBad(JsonObject resource) => (string?)resource["namespace"] == BadItems.Namespace;

    private static List<string> Texts(JsonNode? array) => [.. (array as JsonArray ?? []).Select(a => (string)a!)];

    private static int FamilyOf(string address) => address.Contains(':', StringComparison.Ordinal) ? 6 : 4;

    private static string? Condition(JsonObject resource, string type) => (string?)resource["status"]!["conditions"]!.AsArray().FirstOrDefault(c => (string?)c!["type"] == type)?["status"];

    private void Fault(string text) => _faults.Add(text);

    private void Same<T>(string what, IEnumerable<T> expected, IEnumerable<T> found)
    {
        var (e, f) = (expected.ToHashSet(), found.ToHashSet());
        if (e.SetEquals(f)) return;
        Fault($"{what}: missing [{string.Join("; ", e.Except(f))}], too much [{string.Join("; ", f.Except(e))}]");
    }

    // 1. Addresses and node ports: every one is held, free, in quarantine or not yet filled in; never two of it, never none.
    private void Pools()
    {
        foreach (var pool in _reality.Pools)
        {
            var name = pool.Network is null ? $"service network {pool.Cidr}" : $"subnet {pool.Cidr}";
            var all = pool.Ranges.SelectMany(r => Span(r.First, r.Last)).ToHashSet();
            var filled = pool.Ranges.Where(r => r.FilledTo is not null).SelectMany(r => Span(r.First, r.FilledTo!)).ToHashSet();
            if (pool.Free.Overlaps(pool.Held)) Fault($"{name}: held and free at once: {string.Join(", ", pool.Free.Intersect(pool.Held))}");
            if (pool.Resting.Overlaps(pool.Held.Union(pool.Free))) Fault($"{name}: in quarantine, and held or free: {string.Join(", ", pool.Resting.Intersect(pool.Held.Union(pool.Free)))}");
            if (!pool.Free.IsSubsetOf(filled)) Fault($"{name}: free outside of what is handed out: {string.Join(", ", pool.Free.Except(filled))}");
            var known = pool.Free.Union(pool.Held).Union(pool.Resting).ToHashSet();
            if (!filled.IsSubsetOf(known)) Fault($"{name}: leaked: {string.Join(", ", filled.Except(known))}");
            foreach (var address in pool.Held)
            {
                if (!pool.Cidr.Contains(address)) Fault($"{name}: {address} is held and outside of it");
                if (!Usable(pool).Contains(address)) Fault($"{name}: {address} is held, and is the network's, the broadcast or the gateway's address");
            }

            if (pool.Network is null) continue;
            var network = _reality.Networks.Find(n => (string?)n["uid"] == pool.Network.ToString());
            var spec = network?["subnets"]!.AsArray().FirstOrDefault(s => (string?)s!["cidr"] == pool.Cidr.ToString());
            if (spec is null)
            {
                Fault($"{name} is of no network");
                continue;
            }

            var usable = Usable(pool).ToHashSet();
            if (spec["ranges"]!.AsArray() is { Count: > 0 } ranges) usable.IntersectWith(ranges.SelectMany(r => Span(IPAddress.Parse((string)r!["from"]!), IPAddress.Parse((string)r["to"]!))));
            foreach (var reserved in Texts(spec["reserved"]))
            {
                var ends = reserved.Split('-');
                usable.ExceptWith(Span(IPAddress.Parse(ends[0]), IPAddress.Parse(ends[^1])));
            }

            Same($"{name}: what is handed out", usable, all);
            var status = network!["status"]!["subnets"]!.AsArray().First(s => (string?)s!["cidr"] == pool.Cidr.ToString())!;
            Same($"{name}: status", [$"{usable.Count} {pool.Held.Count} {usable.Count - pool.Held.Count(usable.Contains)}"], [$"{status["capacity"]} {status["allocated"]} {status["available"]}"]);
        }

        var holders = _reality.FloatingIPs.Select(f => (string)f["address"]!).ToList();
        foreach (var twice in _reality.FloatingIPs.Where(f => f["externalNetwork"] is null || _networks[(string)f["externalNetwork"]!] is var n && (bool)n["fabricForwarding"]!).GroupBy(f => (string)f["address"]!).Where(g => g.Count() > 1))
            Fault($"{twice.Key} is held by {string.Join(" and ", twice.Select(Id))}");
        Same("FloatingIPs of the database and of the API", _reality.Pools.SelectMany(p => p.Held).Select(a => a.ToString()), holders);

        foreach (var protocol in new[] { 6, 17, 132 })
        {
            var held = _reality.HeldNodePorts.Where(p => p.Protocol == protocol).Select(p => p.Port).ToHashSet();
            var free = _reality.FreeNodePorts.Where(p => p.Protocol == protocol).Select(p => p.Port).ToHashSet();
            if (held.Overlaps(free)) Fault($"node ports held and free at once: {protocol}/{string.Join(", ", held.Intersect(free))}");
            Same($"node ports of {protocol}", Enumerable.Range(ModelLab.NodePorts.First, ModelLab.NodePorts.Last - ModelLab.NodePorts.First + 1), held.Union(free));
        }

        Same("node ports of Services", _reality.Services.SelectMany(s => s["ports"]!.AsArray()).Where(p => p!["nodePort"] is not null).Select(p => (Number((string)p!["protocol"]!), (int)p["nodePort"]!)), _reality.HeldNodePorts);
    }

    private void Endpoints()
    {
        foreach (var endpoint in _reality.Interfaces.Where(e => e["healthCheck"] is not null))
        {
            var router = (string)endpoint["virtualRouter"]!;
            if (!_routers.Contains(router)) continue;
            var expected = _lab.IsListening(router) ? "Healthy" : "Unhealthy";
            var found = (string?)endpoint["status"]!["health"];
            if (found != expected) Fault($"endpoint {Id(endpoint)} on {router} is {found}; it should be {expected}");
        }
    }

    private bool Usable(JsonObject endpoint) =>
        (bool)endpoint["ready"]! && _routers.Contains((string)endpoint["virtualRouter"]!)
        && (endpoint["healthCheck"] is null || (string?)endpoint["status"]!["health"] == "Healthy");

    private void Services()
    {
        var byName = _reality.FloatingIPs.Where(f => f["service"] is not null).ToLookup(f => $"{f["namespace"]}/{f["service"]}");
        foreach (var service in _reality.Services.Where(s => !IsBad(s)))
        {
            var id = Id(service);
            var state = (string?)service["status"]!["state"];
            if (state is "Deleting" or "Failure")
            {
                Fault($"Service {id} is {state}: {service["status"]!.ToJsonString()}");
                continue;
            }

            var selector = service["selector"]!.AsObject();
            var chosen = selector.Count == 0 ? [] : _reality.Interfaces.Where(e => (string?)e["namespace"] == (string?)service["namespace"] && selector.All(l => (string?)e["labels"]![l.Key] == (string?)l.Value)).ToList();
            var usable = chosen.Where(Usable).ToList();
            var routes = new HashSet<RibPath>();
            var withheld = false;
            var held = byName[id].ToList();
            foreach (var floatingIP in held)
            {
                var address = (string)floatingIP["address"]!;
                var external = floatingIP["externalNetwork"] is not null;
                var family = FamilyOf(address);
                foreach (var port in service["ports"]!.AsArray().Where(_ => !IsInOverlay(floatingIP)))
                    Entry($"{address} {port!["protocol"]} {port["port"]}", usable, family, (int)port["targetPort"]!, local: external && (string?)service["externalTrafficPolicy"] == "Local");
                if (!external) continue;
                if (service["loadBalancerSourceRanges"]!.AsArray() is { Count: > 0 } ranges && !ranges.Any(r => FamilyOf((string)r!) == family))
                {
                    // Its entries admit nobody.
                    withheld = true;
                    Routes(floatingIP, []);
                    continue;
                }

                var its = RoutesTo(floatingIP, usable, out var overlay);
                withheld |= overlay;
                routes.UnionWith(its);
                Routes(floatingIP, its);
            }

            foreach (var family in held.Select(f => FamilyOf((string)f["address"]!)).Distinct())
            {
                foreach (var port in service["ports"]!.AsArray().Where(p => p!["nodePort"] is not null))
                    Entry($"node port IPv{family} {port!["protocol"]} {port["nodePort"]}", usable, family, (int)port["targetPort"]!, local: false);
            }

            Same($"Service {id}: addresses in its status", held.Select(f => (string)f["address"]!), Texts(service["status"]!["clusterIPs"]).Concat(Texts(service["status"]!["externalIPs"])));
            var (total, ready) = ((int)service["status"]!["endpoints"]!["total"]!, (int)service["status"]!["endpoints"]!["ready"]!);
            if ((total, ready) != (chosen.Count, usable.Count)) Fault($"Service {id}: endpoints {total}, {ready} ready; it should be {chosen.Count}, {usable.Count}");
            var balanced = (string?)service["type"] == "LoadBalancer";
            var advertised = !balanced || (routes.Count > 0 && !withheld);
            var allocated = Condition(service, "Allocated") == "True";
            Holds(service, "Programmed", true);
            Holds(service, "Advertised", advertised);
            Holds(service, "Ready", allocated && advertised && usable.Count > 0);
            if (allocated != (state == "Success")) Fault($"Service {id} is {state} and Allocated is {allocated}");
            if (!allocated) PendingForAReason(service, held);
            else Complete(service, held);
        }
    }

    private void Holds(JsonObject resource, string type, bool expected)
    {
        var found = Condition(resource, type);
        if (found != (expected ? "True" : "False"))
            Fault($"{Id(resource)}: {type} is {found}, it should be {expected}: {resource["status"]!["conditions"]!.AsArray().FirstOrDefault(c => (string?)c!["type"] == type)?.ToJsonString()}");
    }

    // 4. What is pending must have a reason that holds now.
    private void PendingForAReason(JsonObject service, List<JsonObject> held)
    {
        var id = Id(service);
        var families = Families(service);
        var policy = (string)service["ipFamilyPolicy"]!;
        foreach (var family in families)
        {
            if (!held.Exists(f => f["externalNetwork"] is null && FamilyOf((string)f["address"]!) == family) && _reality.Pools.Where(p => p.Network is null && Family(p) == family).All(p => Left(p) == 0)) return;
        }

        var automatic = (string?)service["type"] == "NodePort" || ((string?)service["type"] == "LoadBalancer" && (bool)service["allocateLoadBalancerNodePorts"]!);
        foreach (var port in automatic ? service["ports"]!.AsArray().Where(p => p!["nodePort"] is null) : [])
        {
            if (!_reality.FreeNodePorts.Any(p => p.Protocol == Number((string)port!["protocol"]!))) return;
        }

        if ((string?)service["type"] == "LoadBalancer")
        {
            var external = held.Where(f => f["externalNetwork"] is not null).ToList();
            var candidates = Candidates(service);
            if (Texts(service["loadBalancerIPs"]).Exists(a => !external.Exists(f => (string?)f["address"] == a))) return; // somebody else's address
            var current = external.Count > 0 ? (string?)external[0]["externalNetwork"] : null;
            // A Service that was given another network looks there; one that was not stays where it is.
            var places = current is not null && candidates.Exists(n => Id(n) == current) ? [_networks[current]] : candidates;
            bool Fits(JsonObject network, int family) => PoolsOf(network).Where(p => Family(p) == family).Any(p => Left(p) > 0);
            bool Has(JsonObject network, int family) => external.Exists(f => (string?)f["externalNetwork"] == Id(network) && FamilyOf((string)f["address"]!) == family);
            if (!places.Exists(n => policy == "PreferDualStack" ? families.Any(f => Fits(n, f) || Has(n, f)) : families.All(f => Fits(n, f) || Has(n, f)))) return;
            if (current is not null && !candidates.Exists(n => Id(n) == current) && (string?)service["externalNetwork"] is null) return; // stays where it is, though nothing chooses it now
        }

        Fault($"Service {id} is pending and would fit: {service.ToJsonString()}");
    }

    // What is not pending has what it asks for.
    private void Complete(JsonObject service, List<JsonObject> held)
    {
        var families = Families(service);
        Same($"Service {Id(service)}: families of its cluster IPs", families, held.Where(f => f["externalNetwork"] is null).Select(f => FamilyOf((string)f["address"]!)));
        var external = held.Where(f => f["externalNetwork"] is not null).ToList();
        if ((string?)service["type"] != "LoadBalancer") Same($"Service {Id(service)}: external addresses", [], external.Select(Id));
        else if ((string?)service["ipFamilyPolicy"] != "PreferDualStack") Same($"Service {Id(service)}: families of its external addresses", families, external.Select(f => FamilyOf((string)f["address"]!)));
        else if (external.Count == 0) Fault($"Service {Id(service)} has no external address and is not pending");
        if (external.Select(f => (string?)f["externalNetwork"]).Distinct().Count() > 1) Fault($"Service {Id(service)} has addresses of several networks");
        if (external.Count > 0 && (string?)service["externalNetwork"] is { } named && (string?)external[0]["externalNetwork"] != named) Fault($"Service {Id(service)} names {named} and is in {external[0]["externalNetwork"]}");
        if (external.Count != external.Select(f => FamilyOf((string)f["address"]!)).Distinct().Count()) Fault($"Service {Id(service)} has two external addresses of a family: {string.Join(", ", external.Select(f => f["address"]))}");
    }

    private void Reservations()
    {
        foreach (var floatingIP in _reality.FloatingIPs.Where(f => !IsBad(f)))
        {
            if ((string?)floatingIP["status"]!["state"] is "Deleting" or "Failure") Fault($"FloatingIP {Id(floatingIP)} ({floatingIP["address"]}) is {floatingIP["status"]!["state"]}");
            Holds(floatingIP, "Programmed", true);
            if (floatingIP["service"] is not null) continue;
            var names = Texts(floatingIP["interfaces"]);
            var address = (string)floatingIP["address"]!;
            var usable = _reality.Interfaces.Where(e => (string?)e["namespace"] == (string?)floatingIP["namespace"] && names.Contains((string)e["name"]!)).Where(Usable).ToList();
            var overlay = IsInOverlay(floatingIP);
            var mappings = floatingIP["portMappings"]!.AsArray();
            if (mappings.Count == 0 && !overlay) Entry($"{address} *", usable, FamilyOf(address), 0, local: true);
            foreach (var mapping in mappings.Where(_ => !overlay)) Entry($"{address} {mapping!["protocol"]} {mapping["port"]}", usable, FamilyOf(address), (int)mapping["targetPort"]!, local: true);
            Routes(floatingIP, RoutesTo(floatingIP, usable, out _));
        }
    }

    private void Entry(string key, List<JsonObject> usable, int family, int port, bool local)
    {
        foreach (var router in ModelLab.VirtualRouters)
        {
            var (targets, all) = (Targets(e => !local || (string?)e["virtualRouter"] == router), Targets(_ => true));
            // From a node without an endpoint, its pods and the node itself reach those of other nodes.
            if (targets.Count > 0) _entries[router][key] = targets;
            else if (all.Count > 0) _entries[router][key + NodeTable.Inside] = all;
        }

        HashSet<string> Targets(Func<JsonObject, bool> which) =>
            usable.Where(which).SelectMany(e => Texts(e["addresses"])).Where(a => FamilyOf(a) == family).Select(a => port == 0 ? a : $"{a}:{port}").ToHashSet();
    }

    private HashSet<RibPath> RoutesTo(JsonObject floatingIP, List<JsonObject> usable, out bool overlay)
    {
        var network = _networks[(string)floatingIP["externalNetwork"]!];
        overlay = IsInOverlay(floatingIP);
        var outer = overlay ? 4 : FamilyOf((string)floatingIP["address"]!);
        var address = (string)floatingIP["address"]!;
        var family = FamilyOf(address);
        var advertisement = network["advertisement"]!;
        var attributes = $"origin 2 local-preference {advertisement["localPreference"]} med {advertisement["med"]} communities {string.Join(',', Texts(advertisement["communities"]))}";
        return usable.Where(e => Texts(e["addresses"]).Exists(a => FamilyOf(a) == family)).Select(e => (string)e["virtualRouter"]!).Where(v => !_down.Contains(v)).Distinct()
            .Select(v => new RibPath($"{address}/{(family == 4 ? 32 : 128)}", ModelLab.AddressOf(v, outer), attributes)).ToHashSet();
    }

    /// <summary>Its entries and routes are in a RoutingInstance of its own, which the router here does not speak of.</summary>
    private bool IsInOverlay(JsonObject floatingIP) => (string?)floatingIP["externalNetwork"] is { } network && !(bool)_networks[network]["fabricForwarding"]!;

    // 3. A FloatingIP's status says what is in the table of the speaker.
    private void Routes(JsonObject floatingIP, HashSet<RibPath> expected)
    {
        var overlay = IsInOverlay(floatingIP);
        var oneToOne = floatingIP["service"] is null && floatingIP["portMappings"]!.AsArray().Count == 0;
        foreach (var router in overlay || oneToOne ? [] : ModelLab.VirtualRouters)
        {
            if (expected.Any(r => r.NextHop == ModelLab.AddressOf(router, FamilyOf((string)floatingIP["address"]!)))) _answering[router].Add((string)floatingIP["address"]!);
        }

        if (overlay) _overlay.UnionWith(expected.Select(r => (r.Prefix.Split('/')[0], $"{r.NextHop}:{_networks[(string)floatingIP["externalNetwork"]!]["status"]!["routingInstance"]!["number"]}")));
        else _routes.UnionWith(expected);
        var status = floatingIP["status"]!["routes"]!.AsArray();
        Same($"FloatingIP {Id(floatingIP)}: routes in its status",
            expected.Select(r => $"{r.Prefix} {r.NextHop} {r.Attributes.Split(" communities")[0]} to {(overlay ? "" : "router")}"),
            status.Select(r => $"{r!["prefix"]} {r["nextHop"]} origin 2 local-preference {r["localPreference"]} med {r["med"]} to {string.Join(',', r["controlNodes"]!.AsArray().SelectMany(c => Texts(c!["advertisedTo"])))}"));
    }

    private void Tables()
    {
        var bad = _reality.FloatingIPs.Where(IsBad).Select(f => (string)f["address"]!).ToHashSet();
        foreach (var (router, expected) in _entries)
        {
            var found = _reality.Tables[router];
            foreach (var fault in found.Faults) Fault($"{router}'s table: {fault}");
            static IEnumerable<string> Lines(IEnumerable<KeyValuePair<string, HashSet<string>>> entries) => entries.Select(e => $"{e.Key} -> {string.Join(", ", e.Value.Order(StringComparer.Ordinal))}");
            Same($"{router}'s entries", Lines(expected), Lines(found.Entries.Where(e => !bad.Contains(e.Key.Split(' ')[0]))));
            Same($"{router}'s drop set", _reality.FloatingIPs.Where(f => !IsInOverlay(f)).Select(f => (string)f["address"]!).Distinct(), found.DropSet);
            foreach (var (what, answering) in ((string, HashSet<string>)[])[("refuses", found.Refusing), ("answers the ping of", found.Pinged)])
                Same($"{router} {what}", _answering[router], answering.Except(bad));
        }
    }

    private void Routes()
    {
        Same("gobgpd's table", _routes, _reality.Rib);
        Same("the router's table", _routes, _reality.RouterRib);
        Same("rows of advertisement", _routes.Select(r => (r.Prefix.Split('/')[0], r.NextHop)).Concat(_overlay), _reality.Advertisements);
    }

    private List<JsonObject> Candidates(JsonObject service)
    {
        if ((string?)service["externalNetwork"] is { } named) return _networks.TryGetValue(named, out var network) ? [network] : [];
        var selector = _reality.Selectors.Find(s => (string?)s["name"] == "default-external")!;
        static bool Matches(JsonNode? selector, JsonNode? labels) => (selector?["matchLabels"] as JsonObject ?? []).All(l => (string?)labels?[l.Key] == (string?)l.Value);
        return [.. _reality.Networks.Where(n => (bool)n["autoAssign"]! && Matches(selector["networkSelector"], n["labels"])
            && Matches(selector["namespaceSelector"], _reality.Namespaces.Find(s => (string?)s["name"] == (string?)n["namespace"])?["labels"]))];
    }

    private IEnumerable<Pool> PoolsOf(JsonObject network) => _reality.Pools.Where(p => p.Network?.ToString() == (string?)network["uid"]);

    /// <summary>What is in quarantine is given when nothing else is left.</summary>
    private static int Left(Pool pool) => pool.Free.Count + pool.Ranges.SelectMany(r => Span(r.First, r.Last)).Count(pool.Resting.Contains)
        + pool.Ranges.SelectMany(r => Span(r.FilledTo is null ? r.First : Next(r.FilledTo), r.Last)).Count(a => !pool.Held.Contains(a) && !pool.Resting.Contains(a));

    private static List<int> Families(JsonObject service)
    {
        var families = Texts(service["ipFamilies"]).ConvertAll(f => f == "IPv6" ? 6 : 4);
        if ((string?)service["ipFamilyPolicy"] is "PreferDualStack" or "RequireDualStack") families = [.. families.Union([4, 6])];
        return families;
    }

    private static int Family(Pool pool) => pool.Cidr.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6 ? 6 : 4;

    private static int Number(string protocol) => protocol switch { "TCP" => 6, "UDP" => 17, _ => 132 };

    private static IEnumerable<IPAddress> Usable(Pool pool)
    {
        var bits = (Family(pool) == 6 ? 128 : 32) - pool.Cidr.PrefixLength;
        var last = pool.Cidr.BaseAddress;
        for (var i = 1; i < 1 << bits; i++) last = Next(last);
        return Span(pool.Cidr.BaseAddress, last).Where(a =>
            !a.Equals(pool.Gateway) && (bits <= 1 || (!a.Equals(pool.Cidr.BaseAddress) && !(Family(pool) == 4 && a.Equals(last)))));
    }

    private static IEnumerable<IPAddress> Span(IPAddress first, IPAddress last)
    {
        for (var address = first; Compare(address, last) <= 0; address = Next(address)) yield return address;
    }

    private static IPAddress Next(IPAddress address)
    {
        var bytes = address.GetAddressBytes();
        for (var i = bytes.Length - 1; i >= 0 && ++bytes[i] == 0; i--)
        {
            // carries on
        }

        return new IPAddress(bytes);
    }

    private static int Compare(IPAddress a, IPAddress b) => a.GetAddressBytes().AsSpan().SequenceCompareTo(b.GetAddressBytes());
}
