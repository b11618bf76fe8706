using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Compilation;
using CN2.Network.Resources;
using CN2.Network.Sequencing;

namespace CN2.Network.Tests.Sequencing;

/// <summary>What a vRouter gets of an entry.</summary>
public sealed class NatEntryProjectionTests
{
    [Fact]
    public void Whether_other_vRouters_get_something_is_what_they_get()
    {
        var random = new Random(3);
        for (var round = 0; round < 5_000; round++)
        {
            var entry = Entry(random);
            Assert.Equal(entry.Elsewhere() is not null, entry.IsElsewhere());
        }
    }

    /// <summary>A list with one endpoint takes a shorter way than one with several.</summary>
    [Fact]
    public void An_endpoint_reads_alone_as_among_others()
    {
        var random = new Random(4);
        var others = new Backend(IPAddress.Parse("10.0.9.9"), 80, "compute9");
        for (var round = 0; round < 5_000; round++)
        {
            var alone = Entry(random) with { Backends = [Endpoint(random)], Scope = NatEntryScope.EveryVirtualRouter, OnlyOn = null };
            var among = alone with { Backends = [alone.Backends[0], others] };
            foreach (var name in (string[])["compute1", "compute2", "compute3"])
                Assert.Equal(alone.On(name)?.Backends ?? [], among.On(name)!.Backends.Where(b => !b.Address.Equals(others.Address)));
        }
    }

    private static NatEntry Entry(Random random) => new()
    {
        Key = new NatEntryKey(IPFamily.IPv4, IPAddress.Parse("100.0.0.4"), TransportProtocol.TCP, 80, random.Next(2)),
        Scope = (NatEntryScope)random.Next(2),
        Backends = Endpoints(random),
        Draining = Endpoints(random),
        OnlyOn = random.Next(4) == 0 ? ["compute1", "compute2"] : null,
    };

    private static EquatableList<Backend> Endpoints(Random random) =>
        Enumerable.Range(0, random.Next(3)).Select(_ => Endpoint(random)).DistinctBy(b => b.VirtualRouter).OrderBy(b => b.VirtualRouter, StringComparer.Ordinal).ToEquatableList();

    private static Backend Endpoint(Random random)
    {
        var node = random.Next(1, 3);
        return new Backend(IPAddress.Parse($"10.0.0.{node}"), 80, $"compute{node}", random.Next(2) == 0, random.Next(1, 4));
    }
}
