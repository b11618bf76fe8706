using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Compilation;
using CN2.Network.Resources;
using CN2.Network.Sequencing;
using CN2.Network.Tests.Compilation;

namespace CN2.Network.Tests.Sequencing;

/// <summary>
/// A control node holds 100,000 routes, so the bytes of one route count. It looks at the memory of the whole process, so it runs while no
/// other test does.
/// </summary>
[Collection(nameof(RetainedMemoryTests))]
public sealed class RouteCostTests : IAcknowledgements
{
    private const int Count = 10_000;

    private static readonly DateTimeOffset Now = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private bool _acknowledged;

    public IReadOnlyCollection<string> VirtualRouters { get; } = ["compute1"];

    [Fact]
    public void A_confirmed_route_takes_less_than_450_bytes()
    {
        var owners = Enumerable.Range(0, Count).Select(Owner).ToList();
        var sequencer = new RouteSequencer(this);
        Announce(sequencer, owners.Take(100)); // compiled methods and static lists are not a route's cost
        sequencer = new RouteSequencer(this);

        var heldBefore = GC.GetTotalMemory(forceFullCollection: true);
        var allocatedBefore = GC.GetAllocatedBytesForCurrentThread();
        Announce(sequencer, owners);
        var allocated = (GC.GetAllocatedBytesForCurrentThread() - allocatedBefore) / Count;
        var held = (GC.GetTotalMemory(forceFullCollection: true) - heldBefore) / Count;
        Assert.Equal(Count, owners.Count(o => sequencer.RoutesOf(o.Owner).Confirmed.Count == 1));

        TestContext.Current.TestOutputHelper?.WriteLine($"{held} bytes held and {allocated} bytes allocated a route");
        GC.KeepAlive(owners);
        GC.KeepAlive(sequencer);
        Assert.InRange(held, 1, 450);
        Assert.InRange(allocated, 1, 7500);
    }

    AckMark IAcknowledgements.MarkOf(string virtualRouter, bool pending) => new(1, 0);

    bool IAcknowledgements.IsAcknowledged(string virtualRouter, AckMark mark) => _acknowledged;

    bool IAcknowledgements.RefusesAny(string virtualRouter) => false;

    bool IAcknowledgements.IsRefused(string virtualRouter, NatEntryKey key) => false;

    bool IAcknowledgements.IsReachable(string virtualRouter) => true;

    bool IAcknowledgements.IsServedHere(string virtualRouter) => true;

    bool IAcknowledgements.AnnouncedElsewhere(Guid floatingIP, string virtualRouter) => false;

    private void Announce(RouteSequencer sequencer, IEnumerable<CompiledOwner> owners)
    {
        _acknowledged = false;
        foreach (var owner in owners) sequencer.Set(owner.Owner, owner, Now);
        sequencer.TakeNatEntries(int.MaxValue);
        _acknowledged = true;
        sequencer.Acknowledged("compute1", Now);
        sequencer.Announced(sequencer.TakeRoutes().Announce, Now);
        sequencer.TakeTouchedOwners();
    }

    private static CompiledOwner Owner(int n)
    {
        var address = new IPAddress([100, 0, (byte)(n >> 8), (byte)n]);
        var uid = new Guid(n, 0, 0, new byte[8]);
        return Routes.Through(4, "compute1") with
        {
            Owner = uid,
            NatEntries = Routes.Through(4, "compute1").NatEntries
                .Select(e => e with { FloatingIP = uid, Key = new NatEntryKey(IPFamily.IPv4, address, TransportProtocol.TCP, 8080) }).ToEquatableList(),
            Routes = Routes.Through(4, "compute1").Routes.Select(r => r with { FloatingIP = uid, Address = address }).ToEquatableList(),
        };
    }
}
