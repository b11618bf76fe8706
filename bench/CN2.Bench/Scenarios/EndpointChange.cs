using CN2.Bench.Lab;

namespace CN2.Bench.Scenarios;

/// <summary>(c) What one endpoint's change causes: counted by CN2.Api, by the kernel of the compute node, and by that of the router.</summary>
internal sealed class EndpointChange(Site site, Report report)
{
    private const string Endpoint = "g7";
    private readonly List<object[]> _rows = [];
    private readonly List<object[]> _sets = [];
    private int _services;
    private int _concerned;

    public async Task RunAsync()
    {
        _services = site.Services;
        var addresses = (string[])site.Postgres.Scalar($"SELECT array_agg(host(f.address)) FROM floating_ip f JOIN service s ON s.uid = f.service_uid WHERE s.spec::jsonb -> 'selector' ->> 'app' = '{Endpoint}'")!;
        _concerned = addresses.Length / 2; // cluster IP and external address
        using var nft = new NftWatch(Site.Compute);
        foreach (var ready in new[] { "false", "true" })
        {
            Progress.Step($"(c) endpoint {Endpoint} ready: {ready}");
            await site.Api.QuietAsync();
            var before = await site.Api.MetricsAsync();
            var (elements, transactions, notices) = (nft.Elements.Count, nft.Transactions, site.Routes.Notices);
            await site.Api.SendAsync(HttpMethod.Patch, $"/v1/namespaces/default/virtual-machine-interfaces/{Endpoint}", $$"""{"ready":{{ready}}}""");
            await site.Api.QuietAsync();
            var after = await site.Api.MetricsAsync();
            var sent = nft.Elements.Skip(elements).ToList();
            // The endpoint itself is one element.
            var foreign = sent.Count(e => !addresses.Contains(e.Address.ToString())) - 1;
            _sets.AddRange(sent.GroupBy(e => e.Set).OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => new object[] { $"ready: {ready}", s.Key, s.Count() }));
            var (added, withdrawn, natEntries, owners) = (Of("cn2_bgp_paths_added_total"), Of("cn2_bgp_paths_withdrawn_total"), Of("cn2_vrouter_frontends_sent_total"), Of("cn2_reconcile_owners_compiled_total"));
            _rows.Add([$"ready: {ready}", _concerned, owners, added, withdrawn, natEntries, Of("cn2_vrouter_deltas_total"), nft.Transactions - transactions, sent.Count, foreign,
                site.Routes.Notices - notices, Of("cn2_reconcile_statuses_written_total"), Of("cn2_bgp_repairs_total") + Of("cn2_vrouter_snapshots_total")]);
            report.Add(Aim.Exactly($"(c) ready: {ready}, {_concerned} Services use the endpoint: Services compiled", _concerned, owners));
            report.Add(Aim.Exactly($"(c) ready: {ready}: paths {(ready == "true" ? "added, none withdrawn" : "withdrawn, none added")}", _concerned, ready == "true" ? added - withdrawn : withdrawn - added));
            report.Add(Aim.Exactly($"(c) ready: {ready}: NAT entries sent to the vRouter, two a Service", 2 * _concerned, natEntries));
            report.Add(Aim.Exactly($"(c) ready: {ready}: nft elements sent, six a Service and one", 6 * _concerned + 1, sent.Count));
            report.Add(Aim.Exactly($"(c) ready: {ready}: nft elements of other Services", 0, foreign));

            long Of(string name) => (long)(after.GetValueOrDefault(name) - before.GetValueOrDefault(name));
        }
    }

    public void Tell()
    {
        report.Heading(FormattableString.Invariant($"(c) One endpoint's change at {_services:N0} Services"));
        report.Table(["change", "Services it concerns", "Services compiled", "paths added", "paths withdrawn", "NAT entries sent", "deltas sent", "nft transactions", "nft elements", "of other Services", "FRR route notices", "statuses written", "repairs and snapshots"], _rows);
        report.Table(["change", "set or map", "elements"], _sets);
        report.Text($"A Service has two NAT entries (cluster IP and external address), each with an element for itself and one for its endpoint, its external address is in two sets while it has an endpoint here, and it has three statuses (its own and its two FloatingIPs'). The endpoint is one more element. Transactions and elements are what the compute node's kernel announced, route notices what the router's kernel did.");
    }
}
