using System.Net;
using CN2.Network.Resources;
using CN2.VRouter.Probes;
using Microsoft.Extensions.Time.Testing;

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
    public void A_state_is_found_after_a_restart_unless_the_probe_has_changed()
    {
        using (var store = new HealthStore(_parent + "/a/b", TimeProvider.System)) store.Set(Target, EndpointHealth.Unhealthy);
        using var again = new HealthStore(_parent + "/a/b", TimeProvider.System);
        Assert.Equal(EndpointHealth.Unhealthy, again.Find(Target with { Delay = TimeSpan.FromSeconds(9), MaxRetries = 1 }));
        Assert.Null(again.Find(Target with { Port = 81 }));
        Assert.Null(again.Find(Target with { Address = IPAddress.Parse("10.0.0.1") }));
    }

    [Fact]
    public void A_state_that_could_not_be_saved_is_saved_when_the_disk_works_again()
    {
        var time = new FakeTimeProvider();
        using var store = new HealthStore(_parent + "/state", time);
        Directory.Delete(_parent + "/state", recursive: true);
        File.WriteAllText(_parent + "/state", "no directory");
        store.Set(Target, EndpointHealth.Healthy);
        store.Save();
        File.Delete(_parent + "/state");
        Assert.False(File.Exists(_parent + "/state/health.json"));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(File.Exists(_parent + "/state/health.json"));
    }

    [Fact]
    public void A_truncated_file_is_ignored()
    {
        Directory.CreateDirectory(_parent);
        File.WriteAllText(_parent + "/health.json", "{\"0195");
        using var store = new HealthStore(_parent, TimeProvider.System);
        Assert.Null(store.Find(Target));
    }

    [Fact]
    public void A_directory_that_cannot_be_made_is_reported_with_its_option()
    {
        Directory.CreateDirectory(_parent);
        File.WriteAllText(_parent + "/file", "");
        var e = Assert.Throws<IOException>(() => new HealthStore(_parent + "/file", TimeProvider.System));
        Assert.StartsWith($"--state-dir {_parent}/file: expected a directory", e.Message, StringComparison.Ordinal);
    }
}
