using System.Net;
using System.Text.Json.Nodes;
using CN2.Api.Http;
using CN2.Network.Addressing;

namespace CN2.Api.Kubernetes.Kinds;

/// <summary>The cluster IPs that the spec of a Service names: <c>clusterIPs</c>, or <c>clusterIP</c> alone. Pure.</summary>
internal static class ClusterIPs
{
    /// <summary>What a Service without a cluster IP has in their place.</summary>
    public const string None = "None";

    /// <summary>As they were written.</summary>
    public static IReadOnlyList<string> TextsOf(JsonObject spec)
    {
        if (spec["clusterIPs"] is JsonArray { Count: > 0 } several) return [.. several.Select(a => a!.ToString())];
        return spec["clusterIP"]?.ToString() is { Length: > 0 } one ? [one] : [];
    }

    /// <summary>Those that are addresses.</summary>
    public static IReadOnlyList<IPAddress> Of(JsonObject spec) => [.. TextsOf(spec).Select(t => AddressSyntax.TryParseAddress(t, out var address, out _) ? address : null).OfType<IPAddress>()];

    /// <summary>What is wrong with those of a new Service, beside <see cref="None"/>.</summary>
    public static void Check(JsonObject spec, FaultList faults)
    {
        var texts = TextsOf(spec);
        if (texts.Contains(None)) return;
        if (spec["clusterIP"]?.ToString() is { Length: > 0 } one && texts.Count > 0 && one != texts[0]) faults.Add("spec.clusterIPs", "first element must match `clusterIP`");
        if (texts.Count > 2) faults.Add("spec.clusterIPs", "may only hold up to 2 values");
        var families = (spec["ipFamilies"] as JsonArray ?? []).Select(f => f!.ToString()).ToList();
        var seen = new HashSet<IPFamily>();
        for (var i = 0; i < texts.Count; i++)
        {
            if (!AddressSyntax.TryParseAddress(texts[i], out var address, out _)) faults.Add($"spec.clusterIPs[{i}]", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
            else if (!seen.Add(address.FamilyOf())) faults.Add("spec.clusterIPs", "may specify no more than one IP for each IP family");
            else if (i < families.Count && families[i] != address.FamilyOf().ToString()) faults.Add($"spec.clusterIPs[{i}]", $"expected an {families[i]} value as indicated by `ipFamilies[{i}]`");
        }

        if (seen.Count > 1 && families.Count == 1 && spec["ipFamilyPolicy"]?.ToString() is null or "SingleStack")
            faults.Add("spec.ipFamilyPolicy", "must be PreferDualStack or RequireDualStack when multiple `clusterIPs` are specified");
    }
}
