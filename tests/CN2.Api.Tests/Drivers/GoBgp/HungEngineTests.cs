using CN2.Api.Drivers;
using CN2.Api.Tests.Drivers.GoBgp.Lab;
using static CN2.Api.Tests.Drivers.GoBgp.Spec;

namespace CN2.Api.Tests.Drivers.GoBgp;

/// <summary>An engine that is there and does not answer (SIGSTOP).</summary>
public sealed class HungEngineTests : IDisposable
{
    private readonly BgpLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task An_engine_that_hangs_with_a_change_in_flight_is_noticed_and_has_everything_when_it_goes_on()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([Path("100.0.0.4", "172.27.115.242"), Path("100.0.0.5", "172.27.115.242")], Token);
        Command.Run("kill", "-STOP", $"{engine.Id}");
        var change = speaker.ChangePathsAsync([Path("100.0.0.6", "172.27.115.242")], [Key("100.0.0.5", "172.27.115.242")], Token);
        await Eventually.TrueAsync(() => !speaker.Healthy, "noticed", 15);
        Assert.True((await Assert.ThrowsAsync<BgpEngineException>(() => change)).IsTransient);
        // As many paths go as come while it hangs, so that counts alone prove nothing.
        await Assert.ThrowsAsync<BgpEngineException>(() => speaker.ChangePathsAsync([Path("100.0.0.7", "172.27.115.242")], [Key("100.0.0.4", "172.27.115.242")], Token));
        Command.Run("kill", "-CONT", $"{engine.Id}");
        await Eventually.TrueAsync(() => speaker.Healthy, "healthy", 20);
        await Eventually.TrueAsync(async () => (await engine.HoldsAsync()).Select(p => p.Prefix.ToString()).Order().SequenceEqual(["100.0.0.6", "100.0.0.7"]), "what is wanted", 10);
        Assert.Empty(await speaker.ChangePathsAsync([], [Key("100.0.0.4", "172.27.115.242"), Key("100.0.0.5", "172.27.115.242")], Token));
    }
}
