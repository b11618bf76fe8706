using System.Net;
using CN2.Api.Drivers;
using CN2.Api.Drivers.GoBgp;
using CN2.Api.Tests.Drivers.GoBgp.Lab;
using static CN2.Api.Tests.Drivers.GoBgp.Spec;

namespace CN2.Api.Tests.Drivers.GoBgp;

/// <summary>Changes that need a new session, with a real FRR that hears of every route from two control nodes.</summary>
public sealed class SessionTurnTests : IDisposable
{
    private readonly BgpLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task Two_control_nodes_change_their_sessions_one_after_the_other_and_the_router_keeps_its_routes()
    {
        var frr = _lab.Frr("vmx1", 245, Asn, FrrNeighbor() + "\n" + FrrNeighbor().Replace("172.27.115.241", "172.27.115.240", StringComparison.Ordinal));
        var turns = new SharedTurns();
        using var first = new GoBgpd(_lab);
        using var second = new GoBgpd(_lab, "second", _lab.AddHost("second", 240));
        await using var one = Speaker(first, turns: turns.Of("one"));
        await using var two = Speaker(second, change: o => o with { RouterId = IPAddress.Parse("172.27.115.240") }, turns: turns.Of("two"));
        GoBgpSpeaker[] both = [one, two];
        foreach (var speaker in both)
        {
            await speaker.StartAsync(Token);
            await speaker.SetPathsAsync([Path("100.0.0.4", "172.27.115.242"), Path("100.0.0.4", "172.27.115.243")], Token);
            await speaker.SetPeersAsync([Peer("vmx1", 245)], Token);
        }
        await Eventually.TrueAsync(() => frr.Paths("100.0.0.4/32").Count == 4 && both.All(s => s.Session("vmx1").IsEstablished), "the routes of both", 30);
        var before = both.Select(s => s.Session("vmx1").Since).ToList();
        using var monitor = new RouteMonitor(frr.Namespace);

        await Task.WhenAll(both.Select(s => s.SetPeersAsync([Peer("vmx1", 245, change: p => p with { RestartTime = 60 })], Token)));
        await Eventually.TrueAsync(
            () => both.Zip(before).All(s => s.First.Session("vmx1") is { IsEstablished: true } now && now.Since > s.Second) && frr.Paths("100.0.0.4/32").Count == 4,
            "both have a new session", 30, () => string.Join("; ", both.SelectMany(s => s.Sessions)));
        Assert.DoesNotContain(monitor.About("100.0.0.4"), l => l.StartsWith("Deleted", StringComparison.Ordinal));
        Assert.Equal(2, turns.Taken);
        await Eventually.TrueAsync(() => turns.Holder is null, "the turn is given back", 10);
    }

    /// <summary>One turn for all control nodes, as the database has one for each router.</summary>
    private sealed class SharedTurns
    {
        private readonly Lock _lock = new();

        public string? Holder { get; private set; }

        /// <summary>How often another control node than before took it.</summary>
        public int Taken { get; private set; }

        private event Action? Free;

        public ISessionTurns Of(string controlNode) => new Turns(this, controlNode);

        private sealed class Turns(SharedTurns shared, string controlNode) : ISessionTurns
        {
            public event Action? Taken
            {
                add => shared.Free += value;
                remove => shared.Free -= value;
            }

            public bool TryTake(string routerAddress)
            {
                lock (shared._lock)
                {
                    if (shared.Holder is null) shared.Taken++;
                    shared.Holder ??= controlNode;
                    return shared.Holder == controlNode;
                }
            }

            public void GiveBack(string routerAddress)
            {
                lock (shared._lock)
                {
                    if (shared.Holder != controlNode) return;
                    shared.Holder = null;
                }
                shared.Free?.Invoke();
            }
        }
    }
}
