using CN2.Api.Tests.Drivers.GoBgp.Lab;
using static CN2.Api.Tests.Drivers.GoBgp.Spec;

namespace CN2.Api.Tests.Drivers.GoBgp;

/// <summary>One field of a peer is changed, with a real router at the other end.</summary>
public sealed class PeerChangeTests : IDisposable
{
    private readonly BgpLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task After_a_change_to_a_wrong_AS_number_the_session_says_so_and_not_that_it_was_closed_for_the_change()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        _lab.Frr("vmx1", 245, 65001, FrrNeighbor());
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetPeersAsync([Peer("vmx1", 245, 65001)], Token);
        await speaker.EstablishedAsync("vmx1");
        await speaker.SetPeersAsync([Peer("vmx1", 245, 64999)], Token);
        await Eventually.TrueAsync(() => speaker.Session("vmx1").LastError?.Contains("is the router's AS number 64999?", StringComparison.Ordinal) == true, "the reason", 40,
            () => string.Join(";", speaker.Sessions));
    }

    [Theory]
    [InlineData("holdTime")]
    [InlineData("restartTime")]
    [InlineData("multihopTtl")]
    [InlineData("authKey")]
    [InlineData("addressFamilies")]
    [InlineData("passive")]
    [InlineData("port")]
    public async Task A_change_of_one_field_keeps_the_others_in_this_session_and_in_the_next(string field)
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var frr = _lab.Frr("vmx1", 245, 65001, FrrNeighbor(extra: field == "authKey" ? "neighbor 172.27.115.241 password s3cret" : ""));
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([Path("100.0.0.4", "172.27.115.242"), Path("100.0.0.4", "172.27.115.243")], Token);
        var peer = Peer("vmx1", 245, 65001, p => p with
        {
            MultihopTtl = 5,
            AuthKey = field == "authKey" ? "s3cret" : null,
            // FRR does not dial again before the restart time is over, when its first attempt fails; see docs/operating.md.
            RestartTime = field is "passive" or "port" ? 10 : 120,
        });
        await speaker.SetPeersAsync([peer], Token);
        await speaker.EstablishedAsync("vmx1");
        await BothAsync();
        var before = Capabilities();

        var changed = field switch
        {
            "holdTime" => peer with { HoldTime = 30 },
            "restartTime" => peer with { RestartTime = 60 },
            "multihopTtl" => peer with { MultihopTtl = 6 },
            "authKey" => peer with { HoldTime = 33 },
            "passive" => peer with { Passive = true },
            // Nobody listens there: the router has to connect.
            "port" => peer with { Port = 1790 },
            _ => peer with { AddressFamilies = ["inet", "inet6"] },
        };
        await speaker.SetPeersAsync([changed], Token);
        await speaker.EstablishedAsync("vmx1", 60);
        await BothAsync();
        if (field != "addressFamilies") Assert.Equal(before, Capabilities());
        // The session is lost once, without a NOTIFICATION.
        var since = speaker.Session("vmx1").Since;
        Command.Run("ip", "netns", "exec", engine.Namespace, "ss", "-K", "dst", "172.27.115.245");
        Command.Run("ip", "netns", "exec", frr.Namespace, "ss", "-K", "dst", "172.27.115.241");
        await Eventually.TrueAsync(() => speaker.Session("vmx1") is { IsEstablished: true } s && s.Since > since, "the next session", 60, () => string.Join(";", speaker.Sessions));
        await BothAsync();
        if (field != "addressFamilies") Assert.Equal(before, Capabilities());
        Assert.True(speaker.Session("vmx1").AddPath);
        if (field is "holdTime") Assert.Contains("Hold time is 30 seconds", frr.Show("show bgp neighbors 172.27.115.241"), StringComparison.Ordinal);

        Task BothAsync() => Eventually.TrueAsync(() => frr.NextHops("100.0.0.4/32").Count == 2 && speaker.Session("vmx1").AddPath, "both next hops", 30,
            () => frr.Show("show bgp ipv4 unicast 100.0.0.4/32") + string.Join(";", speaker.Sessions));

        string Capabilities()
        {
            using var document = System.Text.Json.JsonDocument.Parse(frr.Show("show bgp neighbors 172.27.115.241 json"));
            var capabilities = document.RootElement.GetProperty("172.27.115.241").GetProperty("neighborCapabilities");
            // The restart time is a field of its own, and only the first session after a start says that routes are preserved.
            return System.Text.RegularExpressions.Regex.Replace(capabilities.GetRawText(), "\"gracefulRestartRemoteTimerMsecs\": ?\\d+|\"preserved\": ?true|\\s", "");
        }
    }
}
