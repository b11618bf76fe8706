using System.Globalization;
using System.Text;
using CN2.Network.Addressing;
using CN2.Network.Compilation;
using CN2.Network.Sequencing;

namespace CN2.Network.Tests.Scenarios;

/// <summary>A compiled network as text: first what each owner asks for, then the entries and probes of each vRouter.</summary>
internal static class ScenarioText
{
    public static string Of(NetworkState state)
    {
        var text = new StringBuilder();
        var owners = state.Services.Select(s => (Title: $"service {s.Id}", s.Uid))
            .Concat(state.FloatingIPs.Select(f => (Title: $"floating-ip {f.Id}", f.Uid)))
            .OrderBy(o => o.Title, StringComparer.Ordinal)
            .Select(o => (o.Title, Compiled: state.Compile(o.Uid)))
            .Where(o => o.Compiled is not null)
            .Select(o => (o.Title, Compiled: o.Compiled!))
            .ToList();
        foreach (var (title, compiled) in owners)
        {
            Line($"{title}: {compiled.EndpointsReady} of {compiled.EndpointsTotal} endpoints take new flows");
            foreach (var route in compiled.Routes) Line($"  route {route.Address} via {route.Path} ({route.VirtualRouter}), network {route.Network.Id}{Vpn(route)}");
            foreach (var problem in compiled.Problems) Line($"  {problem.Reason}{(problem.WithholdsAddress ? " (address withheld)" : "")}: {problem.Message}");
        }

        foreach (var router in state.VirtualRouters.OrderBy(r => r.Name, StringComparer.Ordinal))
        {
            Line($"virtual-router {router.Name}{(router.Lost ? ", lost" : "")}{(router.AdminDown ? ", adminDown" : "")}");
            foreach (var natEntry in owners.SelectMany(o => o.Compiled.NatEntries).OrderBy(f => f.Key).Where(f => f.On(router.Name) is not null))
            {
                var entry = natEntry.On(router.Name)!;
                var backends = entry.Backends.Select(b => Text(b)).Concat(entry.Draining.Select(b => $"{Text(b)} draining")).Concat(entry.Inside.Select(b => $"{Text(b)} for callers inside"));
                var affinity = natEntry.ClientIPAffinity ? " by client" : "";
                var ranges = natEntry.SourceRanges.Count > 0 ? $" from {string.Join(' ', natEntry.SourceRanges)}" : "";
                var answers = entry.AnswersPing ? ", answers ping and refuses other ports" : entry.RefusesOthers ? ", refuses other ports" : "";
                Line($"  {natEntry.Key}{affinity}{ranges} -> {string.Join(", ", backends)}{answers}");
            }

            foreach (var probe in state.VirtualMachineInterfaces
                         .Select(i => state.ProbeOf(i.Uid))
                         .Where(p => p?.VirtualRouter == router.Name)
                         .OrderBy(p => p!.Address.ToString(), StringComparer.Ordinal))
                Line($"  probe {probe!.Address} by {probe.Check.Id}, last {probe.LastKnown}");
        }

        return text.ToString();

        void Line(FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }

    private static string Vpn(FloatingIPRoute route) => route.RoutingInstance == 0
        ? ""
        : $", label {MplsLabel.Of(route.RoutingInstance)}, {string.Join(' ', route.Network.ExportRouteTargets)}";

    private static string Text(VirtualRouterBackend backend) =>
        $"{backend.Address}{(backend.Port == 0 ? "" : $":{backend.Port}")}{(backend.Local ? "" : " remote")}";
}
