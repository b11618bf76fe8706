using System.Diagnostics;
using System.Runtime.InteropServices;
using CN2.Bench;
using CN2.Bench.Lab;
using CN2.Bench.Scenarios;

if (BenchOptions.Read(args) is not { } options)
{
    Console.Error.WriteLine(BenchOptions.Usage);
    return 2;
}

if (PrivateNetwork.Inside() is not { } network) return PrivateNetwork.RunInside(args);

// ^C reaches everything at once; what the others' end would look like here is of no interest.
using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, _ => Process.GetCurrentProcess().Kill());
var report = new Report();
report.Title("Measurements", "Made by `./cn2 bench` on one machine that carries everything: PostgreSQL (default settings, fsync on), gobgpd, CN2.Api, the clients, and, in network namespaces, FRR, cn2-vrouter and nginx. Each figure stands next to its reference from the same run.");
report.Table(["", ""], Machine.Describe());
try
{
    if (options.Scenarios.Contains('a')) await new ServiceCreation(network, report, options).RunAsync();
    if (options.Scenarios.Contains('f')) await new OverlayForwarding(report, options).RunAsync();
    if (options.Scenarios.Contains('g')) await new VpnInjection(network, report, options).RunAsync();
    if (options.Scenarios.Contains('h')) await new KubernetesApi(network, report, options).RunAsync();
    if (options.Scenarios.Contains('i')) await new Identity(network, report, options).RunAsync();
    if (options.Scenarios.Contains('j')) await new NodeFleet(network, report, options).RunAsync();
    if (options.Scenarios.Overlaps("bcde")) await new RunningNetwork(network, report, options).RunAsync();
}
catch (Exception e)
{
    Console.Error.WriteLine($"\nIt broke off: {e}");
    foreach (var log in Directory.GetFiles(network.Directory, "*.log"))
        Console.Error.WriteLine($"\nThe end of {Path.GetFileName(log)}:\n{string.Join('\n', File.ReadLines(log).TakeLast(8))}");
    return 1;
}

report.Text($"The whole run took {Progress.Elapsed.TotalMinutes:F0} minutes.");
report.Close();
if (options.Output is not null) report.WriteTo(options.Output);
return 0;
