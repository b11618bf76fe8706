using System.Globalization;

namespace CN2.Bench;

/// <summary>What to run and how long; everything is bounded in count and time.</summary>
internal sealed record BenchOptions(IReadOnlySet<char> Scenarios, IReadOnlySet<int> FleetParts, TimeSpan LoadTime, TimeSpan WarmUp, int Medium, int Large, int Agents, string? Output)
{
    public const string Usage = """
        CN2.Bench [a] [b] [c] [d] [e] [f] [g] [h] [i] [j] [j1 … j9] [--seconds N] [--warm-up N] [--medium N] [--large N] [--agents N] [--small] [--output FILE]

          a  Service creates a second, next to pgbench with the same SQL
          b  POST to the path in FRR's routing table, next to gobgpd's AddPath
          c  what one endpoint's change causes
          d  restart of gobgpd and of CN2.Api, next to the raw replay; memory
          e  new connections a second and throughput through a FloatingIP; how long flushed tables take to be back
          f  packets through the overlay's forwarder, next to a loop that copies between two TUN devices
          g  routes of the overlay into gobgpd, next to unicast ones
          h  the Kubernetes API next to /v1: lists, single Services, watches, creates
          i  identity: creates with a token and with a JWT next to those without, the audit log's cost, 500 agents that connect at once
          j  a fleet: many agents of one server. j1 creates with them, j2 from POST to acknowledged, j3 the server restarted, j4 all drop and
             come back, j5 idle, j6 beside agents that misbehave, j7 five times the agents, and --large Services,
             j8 three servers that share the agents next to one, j9 an endpoint of twice --medium Services turns once a second

        Without letters: all. --medium (10000) and --large (100000; 0: leave out) are the numbers of Services of b to e and of j;
        --seconds (5) is the length of one load of a (of i: a quarter of it, more often), --warm-up (15) that before the first; --agents (1000) are
        those of j, which also takes a tenth of them. --small: everything, as small as it
        gets, to see that it works; its figures mean nothing.
        Needs root, and the programs published as a release has them, which `./cn2 bench` does.
        """;

    /// <summary>Null: the arguments make no sense.</summary>
    public static BenchOptions? Read(string[] arguments)
    {
        var scenarios = new HashSet<char>();
        var parts = new HashSet<int>();
        var options = new BenchOptions(scenarios, parts, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(15), 10_000, 100_000, 1000, null);
        for (var i = 0; i < arguments.Length; i++)
        {
            var value = i + 1 < arguments.Length ? arguments[i + 1] : "";
            var number = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : -1;
            if (arguments[i] is ['a' or 'b' or 'c' or 'd' or 'e' or 'f' or 'g' or 'h' or 'i' or 'j'])
            {
                scenarios.Add(arguments[i][0]);
                continue;
            }

            if (arguments[i] is ['j', >= '1' and <= '9'])
            {
                scenarios.Add('j');
                parts.Add(arguments[i][1] - '0');
                continue;
            }

            if (arguments[i] == "--small")
            {
                options = options with { LoadTime = TimeSpan.FromSeconds(1), WarmUp = TimeSpan.FromSeconds(2), Medium = 1000, Large = 2000, Agents = 100 };
                continue;
            }

            i++;
            switch (arguments[i - 1])
            {
                case "--seconds" when number > 0: options = options with { LoadTime = TimeSpan.FromSeconds(number) }; break;
                case "--warm-up" when number >= 0: options = options with { WarmUp = TimeSpan.FromSeconds(number) }; break;
                case "--medium" when number >= 1000: options = options with { Medium = number }; break;
                case "--large" when number >= 0: options = options with { Large = number }; break;
                case "--agents" when number is >= 10 and <= 10_000: options = options with { Agents = number }; break;
                case "--output" when value.Length > 0: options = options with { Output = Path.GetFullPath(value) }; break;
                default: return null;
            }
        }

        if (scenarios.Count == 0) scenarios.UnionWith("abcdefghij");
        if (parts.Count == 0) parts.UnionWith(Enumerable.Range(1, 9));
        return options;
    }
}
