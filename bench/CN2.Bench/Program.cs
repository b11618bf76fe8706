using CN2.Bench;
using CN2.Bench.Lab;
using CN2.Bench.Scenarios;

if (BenchOptions.Read(args) is not { } options)
{
    Console.Error.WriteLine(BenchOptions.Usage);
    return 2;
}

if (PrivateNetwork.Inside() is not { } network) return PrivateNetwork.RunInside(args);

var report = new Report();
report.Title("Measurements", "Made by `./cn2 bench` on one machine that carries everything: PostgreSQL (default settings, fsync on), gobgpd, CN2.Api, the clients, and, in network namespaces, FRR, cn2-vrouter and nginx. Each figure stands next to its reference from the same run.");
report.Table(["", ""], Machine.Describe());
if (options.Scenarios.Contains('a')) await new ServiceCreation(network, report, options).RunAsync();
if (options.Scenarios.Overlaps("bcde")) await new RunningNetwork(network, report, options).RunAsync();
if (options.Output is not null) report.WriteTo(options.Output);
return 0;
