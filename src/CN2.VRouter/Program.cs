using System.Runtime.InteropServices;
using CN2.VRouter;
using CN2.VRouter.Certificates;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Host;
using CN2.VRouter.Inspection;
using CN2.VRouter.Nft;
using CN2.VRouter.Overlay;
using CN2.VRouter.Probes;
using CN2.VRouter.Relay;

switch (AgentCommandLine.Parse(args, Environment.GetEnvironmentVariable))
{
    case AgentCommand.Help:
        Console.Out.Write(AgentCommandLine.Usage);
        return 0;
    case AgentCommand.Wrong wrong:
        foreach (var fault in wrong.Faults) Console.Error.WriteLine($"cn2-vrouter: {fault}");
        Console.Error.WriteLine("cn2-vrouter: see --help");
        return 2;
    case AgentCommand.Flush flush:
        if (MissingPrivilege()) return 1;
        try
        {
            await NftDataplane.FlushAsync(flush.Table);
            await OverlayEngine.FlushAsync(flush.Table);
            return 0;
        }
        catch (DataplaneException e)
        {
            Console.Error.WriteLine($"cn2-vrouter: {e.Message}");
            return 1;
        }

    case AgentCommand.Join join:
        return await JoinCommand.RunAsync(join, Console.Out, Console.Error, TimeProvider.System, CancellationToken.None);
    case AgentCommand.Run run:
        return MissingPrivilege() ? 1 : await RunAsync(run);
    default:
        return 2;
}

static async Task<int> RunAsync(AgentCommand.Run run)
{
    using var only = await AgentLock.TakeAsync(run.Table);
    if (only is null)
    {
        Console.Error.WriteLine($"cn2-vrouter: another agent of the table {run.Table} runs in this network namespace");
        return 1;
    }

    var caFile = AgentCertificate.CaFileOf(run.CaFile, run.StateDirectory);
    if (new ServerTrust(caFile).Fault() is { } fault)
    {
        Console.Error.WriteLine($"cn2-vrouter: --ca-file {caFile}: {fault}");
        return 1;
    }

    using var stop = new CancellationTokenSource();
    using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
    using var loggers = LoggerFactory.Create(logging => logging.AddSimpleConsole(console =>
    {
        console.SingleLine = true;
        console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
        console.UseUtcTimestamp = true;
    }));
    try
    {
        var store = new HealthStore(run.StateDirectory, TimeProvider.System);
        var fence = VRouterAgent.FenceOf(run);
        var uplinks = VRouterAgent.UplinksOf(run);
        uplinks.Refresh();
        var options = await CheckedAsync(new NftOptions(run.Table, run.Address, run.Address6) { RelayPort = run.RelayPort }, loggers);
        using var relay = options.RelayPort == 0 ? null : new IcmpRelay(run.Table, run.Address, options.RelayPort, loggers.CreateLogger<IcmpRelay>());
        var overlay = new OverlayEngine(run.Table, run.Address, run.Overlay, loggers.CreateLogger<OverlayEngine>());
        var entries = new NftDataplane(options, loggers.CreateLogger<NftDataplane>(), fence, uplinks);
        await using var dataplane = new NodeDataplane(entries, overlay);
        var inspection = new NodeInspection(
            run.Table, uplinks, entries.EndpointsAsync, () => entries.OthersChanges, TimeProvider.System, loggers.CreateLogger<NodeInspection>());
        using var prober = new NetworkProber();
        await using var agent = new VRouterAgent(run, dataplane, prober, store, TimeProvider.System, loggers.CreateLogger<VRouterAgent>(), overlay, fence, uplinks, inspection, relay);
        await agent.RunAsync(stop.Token);
        return 0;
    }
    catch (Exception e) when (e is DataplaneException or IOException or UnauthorizedAccessException)
    {
        Console.Error.WriteLine($"cn2-vrouter: {e.Message}");
        return 1;
    }

    void Stop(PosixSignalContext context)
    {
        context.Cancel = true;
        stop.Cancel();
    }
}

// Without the relay where the kernel cannot log packets to a program: the tables must not fail for it.
static async Task<NftOptions> CheckedAsync(NftOptions options, ILoggerFactory loggers)
{
    try
    {
        await NftDataplane.CheckAsync(options);
        return options;
    }
    catch (DataplaneException e) when (options.RelayPort != 0)
    {
        var without = options with { RelayPort = 0 };
        await NftDataplane.CheckAsync(without);
        IcmpRelay.LogIsOff(loggers.CreateLogger<IcmpRelay>(), e.Message);
        return without;
    }
}

static bool MissingPrivilege()
{
    if (Capabilities.Has(Capabilities.NetworkAdministration) != false) return false;
    Console.Error.WriteLine("cn2-vrouter: CAP_NET_ADMIN is missing; run it as root, or give it that capability");
    return true;
}
