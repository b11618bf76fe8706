using System.Text.Json.Nodes;

namespace CN2.Model.Tests.Invariants;

/// <summary>
/// What an agent's nftables hold: for each entry ("100.64.0.2 TCP 80", "node port IPv4 TCP 30001", "100.64.0.9 *", with "for callers inside" behind
/// it where that is so) where flows go, the addresses of which everything else is dropped, and those of which it is refused or pinged instead.
/// </summary>
internal sealed record NodeTable(
    IReadOnlyDictionary<string, HashSet<string>> Entries, HashSet<string> DropSet, HashSet<string> Refusing, HashSet<string> Pinged, IReadOnlyList<string> Faults)
{
    public const string Inside = " for callers inside";

    private const uint Count = 0x1ffff;
    private const uint InsideFlag = 0x20000;

    public static NodeTable Read(NetworkNamespace node)
    {
        var entries = new Dictionary<string, HashSet<string>>();
        var (drop, refusing, pinged) = (new HashSet<string>(), new HashSet<string>(), new HashSet<string>());
        var faults = new List<string>();
        foreach (var family in new[] { "ip", "ip6" })
        {
            var (code, output) = node.Try("nft", "-j", "list", "table", family, "cn2");
            if (code != 0)
            {
                faults.Add($"{family}: {output.Trim()}");
                continue;
            }

            var sets = JsonNode.Parse(output)!["nftables"]!.AsArray().Select(o => o!["set"] ?? o["map"]).OfType<JsonObject>().ToDictionary(s => (string)s["name"]!, s => s["elem"]?.AsArray() ?? []);
            foreach (var (set, all) in ((string, HashSet<string>)[])[("floating_ips", drop), ("refusing", refusing), ("pinged", pinged)])
            {
                foreach (var address in sets[set]) all.Add((string)address!);
            }

            var version = family == "ip" ? "IPv4" : "IPv6";
            Collect("frontends", "backends", key => $"{key[0]} {Protocol(key[1])} {key[2]}");
            Collect("node_ports", "node_port_backends", key => $"node port {version} {Protocol(key[0])} {key[1]}");
            Collect("one_to_one", "one_to_one_backends", key => $"{key[0]} *");

            void Collect(string heads, string backends, Func<IReadOnlyList<string>, string> name)
            {
                var counts = new Dictionary<string, uint>();
                var inside = new HashSet<string>();
                foreach (var element in sets[heads])
                {
                    var (key, mark) = (name(Parts(element![0])), (uint)(long)element[1]!);
                    if ((mark & InsideFlag) != 0 && inside.Add(key)) key += Inside;
                    counts[key] = mark & Count;
                }

                var drawn = new Dictionary<string, uint>();
                foreach (var element in sets[backends])
                {
                    var key = NameOf(element!);
                    drawn[key] = drawn.GetValueOrDefault(key) + 1;
                    var parts = Parts(element![1]);
                    if (!entries.TryGetValue(key, out var targets)) entries[key] = targets = [];
                    targets.Add(parts.Count == 1 ? parts[0] : $"{parts[0]}:{parts[1]}");
                }

                foreach (var (key, count) in counts)
                {
                    // Several numbers may draw the same backend.
                    if (drawn.GetValueOrDefault(key) != count) faults.Add($"{key} draws one of {count} and has {drawn.GetValueOrDefault(key)}: {string.Join(", ", entries.GetValueOrDefault(key) ?? [])}");
                }

                foreach (var element in sets[backends])
                {
                    var key = NameOf(element!);
                    if (!counts.ContainsKey(key)) faults.Add($"{key} has backends and no NAT entry");
                }

                string NameOf(JsonNode element) => name(Parts(element[0]).SkipLast(1).ToList()) is var key && inside.Contains(key) ? key + Inside : key;
            }
        }

        return new NodeTable(entries, drop, refusing, pinged, faults);
    }

    private static List<string> Parts(JsonNode? node) => node is JsonObject concat ? [.. concat["concat"]!.AsArray().Select(p => p!.ToString())] : [node!.ToString()];

    private static string Protocol(string text) => text switch { "6" or "tcp" => "TCP", "17" or "udp" => "UDP", "132" or "sctp" => "SCTP", _ => text };
}
