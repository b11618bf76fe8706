using CN2.Api.Drivers.GoBgp;

namespace CN2.Simulation.Tests.World;

/// <summary>Runs a site: rounds of operations, each followed by a quiet time in which everything must come right within its bound.</summary>
internal static class SimulationRun
{
    /// <summary>Until then everything must hold once all trouble that has an end has ended.</summary>
    public static readonly TimeSpan Bound = TimeSpan.FromSeconds(90);

    /// <summary>
    /// An engine that ends by chance when a router is connected has that router left out for a pause, and others wait for their trials (<see cref="PeerTrials"/>); the
    /// bound begins after that. A pause doubles when a router is blamed once more.
    /// </summary>
    private static readonly TimeSpan LongestWait = Bound + PeerTrials.LongestLeftOut + (5 * PeerTrials.LongestStanding);

    private static readonly TimeSpan Step = TimeSpan.FromSeconds(1);

    /// <summary>Answers what went wrong; null: nothing.</summary>
    public static SimulationResult Do(int seed, int operations, Trouble trouble, bool isTraced = false, int perRound = 100, int nodes = Site.FewNodes)
    {
        var site = new Site(seed, nodes: nodes, isTraced: isTraced);
        site.Begin();
        var drawn = new Operations(site, trouble);
        var done = 0;
        while (done < operations && site.Failure is null)
        {
            for (var i = 0; i < perRound && site.Failure is null; i++, done++)
            {
                drawn.Do();
                foreach (var node in site.ControlNodes) node.Look();
                site.Run(TimeSpan.FromMilliseconds(site.Random.Next(3) == 0 ? site.Random.Next(1000) : site.Random.Next(60)));
            }

            Settle(site, drawn);
        }

        foreach (var node in site.ControlNodes) node.Forget();
        return new SimulationResult(seed, done, TimeSpan.FromTicks(site.Scheduler.Now), site.Scheduler.Turns, site.Invariants.Moments, site.Invariants.SentOnInAll, site.Failure, site.Trace.ToString());
    }

    private static void Settle(Site site, Operations drawn)
    {
        site.Trace.Add("-- calm");
        drawn.Calm();
        Await(site);
        drawn.CutAllAgents();
        drawn.StopLeader();
        drawn.EndRound();
    }

    private static void Await(Site site)
    {
        List<string> unmet = ["nothing was looked at"];
        var since = TimeSpan.Zero;
        for (var waited = TimeSpan.Zero; unmet.Count > 0 && since < Bound && waited < LongestWait && site.Failure is null; waited += Step)
        {
            site.Run(Step);
            unmet = site.Invariants.Unmet();
            since = site.LeavesRouterOut ? TimeSpan.Zero : since + Step;
        }

        if (unmet.Count > 0) site.Fail($"not right after {Bound.TotalSeconds} s ({unmet.Count}): {string.Join("; ", unmet.Take(6))}");
    }
}
