using System.Globalization;
using System.Text.Json.Nodes;
using CN2.Model.Tests.Lab;

namespace CN2.Model.Tests.Clients;

/// <summary>The names, pools and shapes that operations draw from. Small, so that everything is scarce and clients meet.</summary>
internal static class Playground
{
    public const string SelectorLabel = "service.contrail.juniper.net/externalNetwork";
    public static readonly string[] Namespaces = ["m-a", "m-b"];
    public static readonly string[] Networks = ["net-a", "net-b", "net-c", "net-o"];

    /// <summary>The networks live in a namespace of their own.</summary>
    public const string NetworkNamespace = "ext";

    /// <summary>A network with one of its shapes: ranges, reserved addresses, more subnets, a gateway elsewhere.</summary>
    public static JsonObject Network(string name, Random random)
    {
        var (v4, v6, extra) = name switch
        {
            "net-a" => ("100.64.0.0/28", "2001:db8:a::/124", "100.64.1.0/29"),
            "net-b" => ("100.65.0.0/28", null, "100.65.1.0/30"),
            "net-c" => ("100.66.0.0/28", "2001:db8:c::/124", "2001:db8:c:1::/125"),
            _ => ("100.67.0.0/29", (string?)null, "100.67.1.0/31"),
        };
        var subnets = new JsonArray { Subnet(v4, random) };
        if (v6 is not null && random.Chance(0.8)) subnets.Add(Subnet(v6, random));
        if (random.Chance(0.4)) subnets.Add(Subnet(extra, random));
        if (random.Chance(0.1)) subnets = [.. subnets.Reverse().Select(s => s!.DeepClone())];
        return new JsonObject
        {
            ["name"] = name,
            ["labels"] = name is "net-a" or "net-b" && random.Chance(0.85) ? new JsonObject { [SelectorLabel] = "default-external" } : [],
            ["subnets"] = subnets,
            ["fabricForwarding"] = name == "net-o" ? random.Chance(0.2) : random.Chance(0.93),
            ["advertisement"] = new JsonObject { ["localPreference"] = random.Of((4, 200), (1, 150)), ["med"] = random.Of((4, 100), (1, 50)), ["communities"] = random.Chance(0.3) ? new JsonArray("64512:100") : new JsonArray(), ["weighted"] = random.Chance(0.3) },
            ["priority"] = name == "net-a" ? random.Of((3, 10), (1, -1)) : 0,
            ["autoAssign"] = random.Chance(0.9),
            ["quarantineSeconds"] = random.Of((2, 0), (1, 1), (1, 3)),
        };
    }

    public static JsonObject Selector(Random random) => new()
    {
        ["name"] = "default-external",
        ["networkSelector"] = new JsonObject { ["matchLabels"] = new JsonObject { [SelectorLabel] = "default-external" } },
        ["namespaceSelector"] = random.Chance(0.8) ? [] : new JsonObject { ["matchLabels"] = new JsonObject { ["zone"] = "x" } },
    };

    public static JsonObject Namespace(string name, Random random) => new() { ["name"] = name, ["labels"] = random.Chance(0.6) ? new JsonObject { ["zone"] = "x" } : [] };

    public static JsonObject HealthCheck() => new() { ["name"] = "tcp", ["monitorType"] = "TCP", ["delay"] = 1, ["timeout"] = 1, ["maxRetries"] = 2, ["port"] = 9000 };

    public static string InterfaceName(Random random) => random.Chance(0.15) ? $"h{random.Next(4)}" : $"v{random.Next(8)}";

    public static JsonObject Interface(string ns, string name, Random random)
    {
        var number = int.Parse(name[1..], CultureInfo.InvariantCulture);
        var which = Array.IndexOf(Namespaces, ns);
        var withCheck = name[0] == 'h';
        var host = random.Chance(0.05) ? 0 : number; // some ask for their neighbour's address
        var addresses = withCheck ? new JsonArray(ModelLab.CheckedAddress(number % 2 + 2 * which)) : new JsonArray($"10.7.{which}.{host + 1}");
        if (!withCheck && random.Chance(0.6)) addresses.Add($"fd70:{which + 1}::{host + 1}");
        return new JsonObject
        {
            ["name"] = name,
            ["labels"] = Labels(random),
            ["addresses"] = addresses,
            ["virtualRouter"] = random.Chance(0.04) ? "vr9" : random.Of(ModelLab.VirtualRouters),
            ["ready"] = random.Chance(0.85),
            ["weight"] = random.Of((4, 1), (1, 2), (1, 100)),
            ["healthCheck"] = withCheck ? "tcp" : null,
        };
    }

    public static JsonObject Labels(Random random)
    {
        var labels = new JsonObject { ["app"] = random.Of(["a", "b", "c"]) };
        if (random.Chance(0.5)) labels["tier"] = "x";
        return labels;
    }

    public static JsonObject SelectorOfService(Random random)
    {
        if (random.Chance(0.07)) return [];
        var selector = new JsonObject { ["app"] = random.Of(["a", "b", "c"]) };
        if (random.Chance(0.2)) selector["tier"] = "x";
        return selector;
    }

    public static JsonArray Ports(Random random)
    {
        (string Protocol, int Port)[] all = [("TCP", 80), ("TCP", 443), ("UDP", 53), ("TCP", 8080), ("SCTP", 80), ("UDP", 443)];
        var ports = new JsonArray();
        foreach (var (protocol, port) in all.OrderBy(_ => random.Next()).Take(1 + random.Next(3)))
        {
            var item = new JsonObject { ["name"] = $"{protocol.ToLowerInvariant()}-{port}", ["protocol"] = protocol, ["port"] = port };
            if (random.Chance(0.4)) item["targetPort"] = random.Of([80, 8080, 9000]);
            if (random.Chance(0.05)) item["nodePort"] = random.Next(ModelLab.NodePorts.First, ModelLab.NodePorts.Last + 1);
            ports.Add(item);
        }

        return ports;
    }

    public static void Families(JsonObject service, Random random)
    {
        var (families, policy) = random.Of<(string[], string?)>(
            (6, (["IPv4"], null)), (1, (["IPv6"], null)), (2, (["IPv4", "IPv6"], null)), (1, (["IPv6", "IPv4"], "PreferDualStack")), (1.5, (["IPv4", "IPv6"], "RequireDualStack")));
        service["ipFamilies"] = new JsonArray([.. families.Select(f => (JsonNode)f)]);
        service["ipFamilyPolicy"] = policy;
        if (policy is null) service.Remove("ipFamilyPolicy");
        // To ask for an address of a family one does not want is refused.
        if (service["loadBalancerIPs"] is JsonArray asked) service["loadBalancerIPs"] = new JsonArray([.. asked.Where(a => families.Contains(((string)a!).Contains(':', StringComparison.Ordinal) ? "IPv6" : "IPv4")).Select(a => a!.DeepClone())]);
    }

    public static void ExternalNetwork(JsonObject service, Random random) =>
        service["externalNetwork"] = random.Of<string?>((5, null), (1.2, "ext/net-a"), (1.2, "ext/net-b"), (2, "ext/net-c"), (0.6, "ext/net-o"), (0.3, "ext/net-none"));

    public static string SomeAddress(Random random) => random.Of(
        (4, $"100.64.0.{random.Next(1, 16)}"), (3, $"100.65.0.{random.Next(1, 16)}"), (3, $"100.66.0.{random.Next(1, 16)}"), (1, $"2001:db8:c::{random.Next(1, 16):x}"), (1, $"100.64.1.{random.Next(0, 8)}"));

    private static JsonObject Subnet(string cidr, Random random)
    {
        var subnet = new JsonObject { ["cidr"] = cidr };
        if (!cidr.EndsWith("/28", StringComparison.Ordinal) && !cidr.EndsWith("/124", StringComparison.Ordinal)) return subnet;
        var prefix = cidr[..cidr.LastIndexOf('/')].TrimEnd('0');
        string At(int host) => prefix + (cidr.Contains(':', StringComparison.Ordinal) ? host.ToString("x", CultureInfo.InvariantCulture) : host.ToString(CultureInfo.InvariantCulture));
        switch (random.Next(6))
        {
            case 0: subnet["ranges"] = new JsonArray(new JsonObject { ["from"] = At(2), ["to"] = At(5 + random.Next(8)) }); break;
            case 1: subnet["ranges"] = new JsonArray(new JsonObject { ["from"] = At(2), ["to"] = At(4) }, new JsonObject { ["from"] = At(8), ["to"] = At(8 + random.Next(7)) }); break;
            case 2: subnet["reserved"] = new JsonArray(At(9), $"{At(11)}-{At(13)}"); break;
            case 3: subnet["gateway"] = At(14); break;
            default: break;
        }

        return subnet;
    }
}
