using System.Diagnostics;
using CN2.Bench.Lab;

namespace CN2.Bench.Scenarios;

/// <summary>(e) How long after somebody has flushed the agent's tables they are whole again, next to nft that loads their listing elsewhere.</summary>
internal sealed class FlushedTable(Site site, Report report)
{
    private const int Rounds = 5;
    private const string Reference = "reference";
    private readonly List<object[]> _rows = [];

    public async Task RunAsync(string directory)
    {
        var listing = Path.Combine(directory, "tables.nft");
        await File.WriteAllTextAsync(listing, PrivateNetwork.Exec(Site.Compute, "nft", "-n", "list", "ruleset"));
        PrivateNetwork.AddNamespace(Reference);
        using var nft = new NftWatch(Site.Compute);
        var repairs = new List<double>();
        var loads = new List<double>();
        for (var round = 0; round <= Rounds; round++)
        {
            Progress.Step($"(e) flushed tables with {site.Services:N0} Services programmed, round {round} of {Rounds}");
            PrivateNetwork.Exec(Reference, "nft", "flush", "ruleset");
            var clock = Stopwatch.StartNew();
            PrivateNetwork.Exec(Reference, "nft", "-f", listing);
            var load = clock.Elapsed.TotalMilliseconds;

            var transactions = nft.Transactions;
            PrivateNetwork.Exec(Site.Compute, "nft", "flush", "ruleset");
            clock.Restart();
            await Eventually.TrueAsync(() => nft.Transactions >= transactions + 2, "the agent has put its tables back", 60, everyMilliseconds: 2);
            var repair = clock.Elapsed.TotalMilliseconds;
            PrivateNetwork.Exec(Site.Client, "curl", "-sf", "-m", "5", $"http://{site.WebAddress}:8080/");
            if (round == 0) continue; // compiles the agent's code
            loads.Add(load);
            repairs.Add(repair);
        }

        var (ours, reference) = (repairs.Order().ElementAt(Rounds / 2), loads.Order().ElementAt(Rounds / 2));
        _rows.Add([site.Services, ours, reference, ours / reference]);
        report.Add(Aim.Under(FormattableString.Invariant($"(e) flushed tables with {site.Services:N0} Services are back"), 1000, ours, " ms"));
    }

    public void Tell()
    {
        report.Heading("(e) Flushed tables");
        report.Table(["Services programmed", "back after ms", "nft -f of their listing ms", "ratio"], _rows);
        report.Text($"`nft flush ruleset` on the compute node, until the kernel has taken the agent's next transaction; the page comes through a FloatingIP right after it. Beside it nft loads the listing of the same tables in a namespace of its own. Medians of {Rounds} in turns.");
    }
}
