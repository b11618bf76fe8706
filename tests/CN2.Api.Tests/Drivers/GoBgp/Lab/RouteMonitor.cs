namespace CN2.Api.Tests.Drivers.GoBgp.Lab;

/// <summary>All changes of routes that the kernel of a namespace reports from now on (<c>ip monitor route</c>).</summary>
internal sealed class RouteMonitor : IDisposable
{
    private readonly RunningProcess _process;

    public RouteMonitor(string ns)
    {
        _process = new("ip", "-n", ns, "monitor", "route");
        // The monitor is listening as soon as it reports a change that is made here.
        for (var i = 0; _process.Output.Length == 0; i++)
        {
            if (i == 200) throw new InvalidOperationException("ip monitor does not report.");
            BgpLab.Ip(ns, "route", "replace", "blackhole", "203.0.113.255/32");
            Thread.Sleep(25);
            BgpLab.Ip(ns, "route", "del", "blackhole", "203.0.113.255/32");
        }
    }

    /// <summary>Lines about prefixes that contain the text.</summary>
    public List<string> About(string text) =>
        [.. _process.Output.Split('\n').Where(l => l.Contains(text, StringComparison.Ordinal))];

    public void Dispose() => _process.Dispose();
}
