using System.Diagnostics;
using System.Net;
using CN2.Network.Resources;
using CN2.VRouter.Probes;

namespace CN2.VRouter.Tests.Probes;

public sealed class HealthStoreTests : IDisposable
{
    private static readonly ProbeTarget Target = new(
        Guid.CreateVersion7(), IPAddress.Loopback, MonitorType.TCP, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(5), 3, "GET", "/", ExpectedCodes.Default, 80, EndpointHealth.Unknown);

    private readonly string _parent = Path.Combine(Path.GetTempPath(), "cn2t-" + Guid.NewGuid().ToString("N"));

    public void Dispose()
    {
        if (Directory.Exists(_parent)) Directory.Delete(_parent, recursive: true);
    }

    [Fact]
    public void A_state_is_found_again_unless_something_else_is_asked()
    {
        using (var store = new HealthStore(_parent + "/a/b", TimeProvider.System)) store.Set(Target, EndpointHealth.Unhealthy);
        using var again = new HealthStore(_parent + "/a/b", TimeProvider.System);
        Assert.Equal(EndpointHealth.Unhealthy, again.Find(Target with { Delay = TimeSpan.FromSeconds(9), MaxRetries = 1 }));
        Assert.Null(again.Find(Target with { Port = 81 }));
        Assert.Null(again.Find(Target with { Address = IPAddress.Parse("10.0.0.1") }));
    }

    [Fact]
    public void A_disk_that_was_full_for_a_while_gets_what_happened_meanwhile()
    {
        using var store = new HealthStore(_parent + "/state", TimeProvider.System);
        Directory.Delete(_parent + "/state", recursive: true);
        File.WriteAllText(_parent + "/state", "no directory");
        store.Set(Target, EndpointHealth.Healthy);
        store.Save();
        File.Delete(_parent + "/state");
        var since = Stopwatch.StartNew();
        while (!File.Exists(_parent + "/state/health.json")) Assert.InRange(since.ElapsedMilliseconds, 0, 10_000);
    }

    [Fact]
    public void A_file_cut_short_is_as_good_as_none()
    {
        Directory.CreateDirectory(_parent);
        File.WriteAllText(_parent + "/health.json", "{\"0195");
        using var store = new HealthStore(_parent, TimeProvider.System);
        Assert.Null(store.Find(Target));
    }

    [Fact]
    public void A_directory_that_cannot_be_is_named_with_its_option()
    {
        Directory.CreateDirectory(_parent);
        File.WriteAllText(_parent + "/file", "");
        var e = Assert.Throws<IOException>(() => new HealthStore(_parent + "/file", TimeProvider.System));
        Assert.StartsWith($"--state-dir {_parent}/file: expected a directory", e.Message, StringComparison.Ordinal);
    }
}
