using System.Text.Json;
using CN2.Network.Addressing;

namespace CN2.VRouter.Inspection;

/// <summary>Reads the rules of a chain from nft's JSON (libnftables-json(5)). Pure.</summary>
internal static class NftRuleReader
{
    private const string NewFlow = "new";
    private const string Translated = "dnat";

    /// <param name="listing">What <c>nft -j list chain</c> prints.</param>
    /// <param name="family">The family of the packet that is judged.</param>
    /// <param name="isTranslated">The chain is passed after the agent's own, so the packet has the endpoint's address.</param>
    public static IReadOnlyList<FilterRule> Read(string listing, IPFamily family, bool isTranslated)
    {
        using var document = JsonDocument.Parse(listing);
        var rules = new List<FilterRule>();
        foreach (var item in document.RootElement.GetProperty("nftables").EnumerateArray())
        {
            if (item.TryGetProperty("rule", out var rule) && rule.TryGetProperty("expr", out var statements)) rules.Add(Rule(statements, family, isTranslated));
        }

        return rules;
    }

    private static FilterRule Rule(JsonElement statements, IPFamily family, bool isTranslated)
    {
        var match = RuleMatch.Always;
        foreach (var statement in statements.EnumerateArray())
        {
            // nft 1.0 has no JSON for a chain without a name (`jump { … }`), and prints it as text.
            if (statement.ValueKind != JsonValueKind.Object) return new FilterRule(match, RuleVerdict.Unknown);
            foreach (var part in statement.EnumerateObject())
            {
                switch (part.Name)
                {
                    case "match":
                        Narrow(MatchOf(part.Value, family, isTranslated));
                        break;
                    case "xt" when Text(part.Value, "type") == "match":
                        Narrow(RuleMatch.Maybe); // of iptables; nft does not print its condition
                        break;
                    case "xt" when Text(part.Value, "name") == "REJECT":
                        return new FilterRule(match, RuleVerdict.Drop);
                    case "xt" when Text(part.Value, "name") is "NFQUEUE" or "TPROXY":
                    case "queue":
                        return new FilterRule(match, RuleVerdict.Unknown);
                    case "vmap":
                        return OfMap(part.Value, match);
                    case "counter" or "log" or "mangle" or "last" or "xt":
                        break; // what they do is no condition
                    default:
                        if (Verdict(part.Name, part.Value) is { } verdict) return verdict with { Match = match };
                        // A limit, a set with a limit for each address (`update @flood { … }`), or a statement that is not known.
                        Narrow(RuleMatch.Maybe);
                        break;
                }
            }
        }

        return new FilterRule(match, RuleVerdict.None);

        void Narrow(RuleMatch by) => match = (RuleMatch)Math.Min((int)match, (int)by);
    }

    private static FilterRule? Verdict(string name, JsonElement value) => name switch
    {
        "accept" => new(RuleMatch.Always, RuleVerdict.Accept),
        "drop" or "reject" => new(RuleMatch.Always, RuleVerdict.Drop),
        "return" => new(RuleMatch.Always, RuleVerdict.Return),
        "jump" when Text(value, "target") is { } target => new(RuleMatch.Always, RuleVerdict.Jump, target),
        "goto" when Text(value, "target") is { } target => new(RuleMatch.Always, RuleVerdict.Goto, target),
        _ => null,
    };

    /// <summary>A map by the state of the flow is what many firewalls begin with; any other is not judged.</summary>
    private static FilterRule OfMap(JsonElement map, RuleMatch match)
    {
        if (map.TryGetProperty("key", out var key) && IsFlow(key, "state") && map.TryGetProperty("data", out var data) && data.ValueKind == JsonValueKind.Object && data.TryGetProperty("set", out var set))
        {
            foreach (var element in set.EnumerateArray())
            {
                if (element.ValueKind != JsonValueKind.Array || element.GetArrayLength() != 2 || !Words(element[0]).Contains(NewFlow)) continue;
                if (element[1].ValueKind != JsonValueKind.Object) return new FilterRule(match, RuleVerdict.Unknown);
                foreach (var part in element[1].EnumerateObject())
                    if (Verdict(part.Name, part.Value) is { } verdict) return verdict with { Match = match };
            }

            return new FilterRule(RuleMatch.Never, RuleVerdict.None);
        }

        return new FilterRule(match, RuleVerdict.Unknown);
    }

    private static RuleMatch MatchOf(JsonElement match, IPFamily family, bool isTranslated)
    {
        var left = match.GetProperty("left");
        var right = Words(match.GetProperty("right"));
        var negated = Text(match, "op") == "!=";
        if (IsFlow(left, "state") && right.Count > 0) return Known(right.Contains(NewFlow));
        if (IsFlow(left, "status") && right.Contains(Translated) && isTranslated) return Known(true);
        if (IsMeta(left, "nfproto")) return Known(right.Contains(family == IPFamily.IPv4 ? "ipv4" : "ipv6"));
        if (IsMeta(left, "protocol")) return Known(right.Contains(family == IPFamily.IPv4 ? "ip" : "ip6"));
        if ((IsMeta(left, "iifname") || IsMeta(left, "oifname")) && right is ["lo"]) return Known(false);
        if (left.ValueKind == JsonValueKind.Object && left.TryGetProperty("payload", out var payload) && Text(payload, "protocol") is "ip" or "ip6" or "arp")
        {
            var protocol = Text(payload, "protocol");
            if (protocol != (family == IPFamily.IPv4 ? "ip" : "ip6")) return RuleMatch.Never;
        }

        return RuleMatch.Maybe;

        RuleMatch Known(bool holds) => holds != negated ? RuleMatch.Always : RuleMatch.Never;
    }

    private static bool IsFlow(JsonElement expression, string key) => Is(expression, "ct", key);

    private static bool IsMeta(JsonElement expression, string key) => Is(expression, "meta", key);

    private static bool Is(JsonElement expression, string kind, string key) =>
        expression.ValueKind == JsonValueKind.Object && expression.TryGetProperty(kind, out var inner) && Text(inner, "key") == key;

    /// <summary>The words of a value: one, a list, or a set.</summary>
    private static List<string> Words(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String) return [value.GetString()!];
        if (value.ValueKind == JsonValueKind.Object && value.TryGetProperty("set", out var set)) value = set;
        return value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Where(e => e.ValueKind == JsonValueKind.String).Select(e => e.GetString()!)] : [];
    }

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
