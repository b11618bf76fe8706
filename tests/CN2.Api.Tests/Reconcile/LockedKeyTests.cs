using CN2.Api.Drivers;
using CN2.Api.Tests.Drivers;
using CN2.Api.Tests.Fixtures;
using CN2.Api.Tests.Secrets;

namespace CN2.Api.Tests.Reconcile;

/// <summary>A BgpRouter whose key one control node can read, and another cannot.</summary>
public sealed class LockedKeyTests(PrivatePostgres postgres)
{
    private const string Key = "s3cret-of-vmx2";

    [Fact]
    public async Task A_control_node_that_cannot_read_a_key_leaves_that_router_alone_and_serves_the_others()
    {
        using var certificates = new SecretsCertificates();
        await using var plane = await ControlPlane.StartAsync(postgres, Settings("a"));
        var able = plane.Api;
        (await able.PostAsync("/v1/bgp-routers", $$"""{"name":"vmx2","address":"172.27.115.246","autonomousSystem":64512,"authKey":"{{Key}}"}""")).Expect(201);
        await ControlPlane.UntilAsync(() => able.Speaker.Peers.Any(p => p.Name == "vmx2" && p.AuthKey == Key));

        var locked = await plane.AddAsync("cn-b", new FakeBgpEngine(), Settings("b"));
        await ControlPlane.UntilAsync(() => locked.Speaker.Peers.Count == 2);
        var peer = locked.Speaker.Peers.Single(p => p.Name == "vmx2");
        Assert.True(peer is { IsUnreadable: true, AuthKey: null });
        Assert.Contains("gets no session without it", peer.UnreadableBecause, StringComparison.Ordinal);
        Assert.Contains("Secrets__Certificate__Path", peer.UnreadableBecause, StringComparison.Ordinal);
        Assert.Contains(locked.Speaker.Peers, p => p is { Name: "vmx1", IsUnreadable: false });
        Assert.Equal("SecretUnreadable", (await locked.GetAsync("/v1/bgp-routers/vmx2")).Expect(200).ReasonOf("AuthKey"));
        Assert.Null((await able.GetAsync("/v1/bgp-routers/vmx2")).Expect(200).ReasonOf("AuthKey"));

        // With the other's certificate as well it reads what is there, and what is set anew.
        await plane.StopAsync(locked);
        var both = await plane.AddAsync("cn-c", new FakeBgpEngine(), [.. Settings("b"), "--Secrets:Certificate:Previous:0", certificates.Both("a")]);
        await ControlPlane.UntilAsync(() => both.Speaker.Peers.Any(p => p.Name == "vmx2" && p.AuthKey == Key));
        Assert.Null((await both.GetAsync("/v1/bgp-routers/vmx2")).Expect(200).ReasonOf("AuthKey"));

        string[] Settings(string name) => ["--Secrets:Certificate:Path", certificates.Certificate(name), "--Secrets:Certificate:KeyPath", certificates.Key(name)];
    }

    [Fact]
    public void The_key_is_in_no_text_of_a_peer()
    {
        var peer = new BgpPeer("vmx2", System.Net.IPAddress.Parse("172.27.115.246"), 1, 179, [], 90, Key, null, Passive: false, AddPath: false, AdminDown: false, GracefulRestart: false, 0);
        Assert.DoesNotContain(Key, $"{peer}", StringComparison.Ordinal);
    }
}
