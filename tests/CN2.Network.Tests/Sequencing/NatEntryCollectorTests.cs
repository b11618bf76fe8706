using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Compilation;
using CN2.Network.Resources;
using CN2.Network.Sequencing;

namespace CN2.Network.Tests.Sequencing;

/// <summary>What each vRouter gets is what it would get if the changes for every vRouter were kept for each of them.</summary>
public sealed class NatEntryCollectorTests
{
    private static readonly string[] Names = ["compute1", "compute2", "compute3", "compute4"];

    /// <summary>Nothing is shared.</summary>
    private static readonly CommonChanges Copied = new(int.MaxValue, (_, _, _) => throw new InvalidOperationException("nobody needs to know what a vRouter has"));

    [Fact]
    public void Changes_for_every_vRouter_and_by_name_in_any_order_reach_each_vRouter_as_if_kept_for_it_alone()
    {
        var random = new Random(7);
        for (var round = 0; round < 20_000; round++)
        {
            var collector = new NatEntryCollector();
            var each = Names.ToDictionary(n => n, _ => new OneTable());
            var steps = random.Next(1, 7);
            var log = new List<string>();
            for (var step = 0; step < steps; step++)
            {
                var (owner, key) = (new Guid(random.Next(3), 0, 0, new byte[8]), Key(random.Next(2)));
                var entry = random.Next(2) == 0 ? Entry(key, step) : null;
                var named = Names.Where(_ => random.Next(3) == 0).ToArray();
                var byName = random.Next(2) == 0;
                log.Add($"{(byName ? "on" : "except")} {string.Join(' ', named)}: {owner} {(entry is null ? "removes" : "puts")} {key}");
                if (byName)
                {
                    foreach (var name in named)
                    {
                        if (entry is null) collector.Remove(name, owner, key);
                        else collector.Put(name, owner, entry);
                    }
                }
                else if (entry is null)
                {
                    collector.RemoveElsewhere(named, owner, key);
                }
                else
                {
                    collector.PutElsewhere(named, owner, entry);
                }

                foreach (var name in byName ? named : Names.Except(named)) each[name].Set(owner, key, entry);
            }

            var pending = Names.Where(collector.HasAny).ToList();
            var taken = collector.Take(Copied);
            foreach (var name in Names)
            {
                var changes = taken.Of(name);
                Assert.Equal(each[name].ToString(), changes is null ? "" : Text(changes.Put, changes.Removed));
                Assert.True(changes is not null == pending.Contains(name), string.Join("; ", log));
                Assert.True(each[name].Owners.IsSubsetOf(OwnersOf(taken, name)) || each[name].IsEmpty, string.Join("; ", log));
            }
        }
    }

    [Fact]
    public void What_is_taken_for_some_vRouters_before_the_rest_adds_up_to_the_same()
    {
        var random = new Random(8);
        for (var round = 0; round < 20_000; round++)
        {
            var collector = new NatEntryCollector();
            var each = Names.ToDictionary(n => n, _ => new OneTable());
            var given = Names.ToDictionary(n => n, _ => new Dictionary<NatEntryKey, VirtualRouterNatEntry?>());
            var owners = Names.ToDictionary(n => n, _ => new HashSet<Guid>());
            var steps = random.Next(1, 9);
            var log = new List<string>();
            for (var step = 0; step < steps; step++)
            {
                if (random.Next(3) == 0)
                {
                    string[] some = [.. Names.Where(_ => random.Next(2) == 0).Union(collector.ChangedByName)];
                    log.Add($"taken for {string.Join(' ', some)}");
                    var pending = some.Where(collector.HasAny).ToList();
                    Give(collector.TakeFor(some, _ => true, Copied), some, pending);
                    Assert.DoesNotContain(some, collector.HasAny);
                }

                var (owner, key) = (new Guid(random.Next(3), 0, 0, new byte[8]), Key(random.Next(3)));
                var entry = random.Next(2) == 0 ? Entry(key, step) : null;
                var named = Names.Where(_ => random.Next(3) == 0).ToArray();
                var byName = random.Next(2) == 0;
                log.Add($"{(byName ? "on" : "except")} {string.Join(' ', named)}: {owner} {(entry is null ? "removes" : "puts")} {key}");
                foreach (var name in byName ? named : [])
                {
                    if (entry is null) collector.Remove(name, owner, key);
                    else collector.Put(name, owner, entry);
                }

                if (!byName && entry is null) collector.RemoveElsewhere(named, owner, key);
                if (!byName && entry is not null) collector.PutElsewhere(named, owner, entry);
                foreach (var name in byName ? named : Names.Except(named)) each[name].Set(owner, key, entry);
            }

            Give(collector.Take(Copied), Names, [.. Names.Where(collector.HasAny)]);
            foreach (var name in Names)
            {
                Assert.True(each[name].ToString() == Text(given[name].Values.OfType<VirtualRouterNatEntry>(), given[name].Where(g => g.Value is null).Select(g => g.Key)), string.Join("; ", log));
                Assert.True(each[name].Owners.IsSubsetOf(owners[name]) || each[name].IsEmpty, string.Join("; ", log));
            }

            void Give(NatEntryChangeSet taken, string[] names, List<string> pending)
            {
                foreach (var name in names)
                {
                    var changes = taken.Of(name);
                    Assert.True(changes is not null == pending.Contains(name), string.Join("; ", log));
                    foreach (var key in changes?.Removed ?? []) given[name][key] = null;
                    foreach (var entry in changes?.Put ?? []) given[name][entry.Key] = entry;
                    owners[name].UnionWith(OwnersOf(taken, name));
                }
            }
        }
    }

    [Fact]
    public void What_is_shared_and_how_a_vRouter_differs_from_it_add_up_to_the_same()
    {
        var random = new Random(10);
        var differed = 0;
        for (var round = 0; round < 20_000; round++)
        {
            var collector = new NatEntryCollector();
            var should = Names.ToDictionary(n => n, _ => new OneTable());
            var has = Names.ToDictionary(n => n, _ => new Dictionary<NatEntryKey, VirtualRouterNatEntry>());
            var shared = new CommonChanges(random.Next(3), (name, _, key) => should[name].Entry(key));
            var log = new List<string>();
            for (var step = random.Next(1, 12); step > 0; step--)
            {
                if (random.Next(3) == 0)
                {
                    string[] some = [.. Names.Where(_ => random.Next(2) == 0).Union(collector.ChangedByName)];
                    log.Add($"taken for {string.Join(' ', some)}");
                    Give(collector.TakeFor(some, _ => true, shared), some);
                }

                var (owner, key) = (new Guid(random.Next(3), 0, 0, new byte[8]), Key(random.Next(4)));
                var entry = random.Next(3) > 0 ? Entry(key, step) : null;
                var named = Names.Where(_ => random.Next(3) == 0).ToArray();
                var byName = random.Next(2) == 0;
                log.Add($"{(byName ? "on" : "except")} {string.Join(' ', named)}: {owner} {(entry is null ? "removes" : "puts")} {key}");
                foreach (var name in byName ? named : [])
                {
                    if (entry is null) collector.Remove(name, owner, key);
                    else collector.Put(name, owner, entry);
                }

                if (!byName && entry is null) collector.RemoveElsewhere(named, owner, key);
                if (!byName && entry is not null) collector.PutElsewhere(named, owner, entry);
                foreach (var name in byName ? named : Names.Except(named)) should[name].Set(owner, key, entry);
            }

            Give(collector.Take(shared), Names);
            foreach (var name in Names) Assert.True(should[name].Puts == Text(has[name].Values, []), string.Join("; ", log));

            void Give(NatEntryChangeSet taken, string[] names)
            {
                var common = names.Select(n => taken.Of(n)?.Common).OfType<NatEntryChanges>().ToList();
                Assert.True(common.Distinct().Count() <= log.Count);
                foreach (var name in names)
                {
                    var changes = taken.Of(name);
                    if (changes?.Common is not null) differed++;
                    foreach (var part in changes?.Parts ?? [])
                    {
                        foreach (var key in part.Removed) has[name].Remove(key);
                        foreach (var entry in part.Put) has[name][entry.Key] = entry;
                    }
                }
            }
        }

        Assert.True(differed > 10_000);
    }

    [Fact]
    public void Many_changes_for_all_are_one_object_for_those_that_get_some_of_their_own_too()
    {
        var collector = new NatEntryCollector();
        var owner = Guid.NewGuid();
        for (var i = 0; i < 100; i++) collector.PutElsewhere([], owner, Entry(Key(i), 1));
        collector.Put("compute1", owner, Entry(Key(0), 2));
        collector.PutElsewhere(["compute2"], owner, Entry(Key(1), 3));
        var taken = collector.Take(new CommonChanges(50, (_, _, key) => Entry(key, 4)));
        Assert.Equal("+0=2", Text(taken.Of("compute1")!.Put, taken.Of("compute1")!.Removed));
        Assert.Equal("+1=1", Text(taken.Of("compute2")!.Put, taken.Of("compute2")!.Removed));
        Assert.Equal(100, taken.Everywhere!.Put.Count);
        Assert.Same(taken.Everywhere, taken.Of("compute1")!.Common);
        Assert.Same(taken.Everywhere, taken.Of("compute2")!.Common);
        Assert.Same(taken.Everywhere, taken.Of("compute3"));
    }

    [Fact]
    public void What_a_vRouter_has_already_is_not_shared_again()
    {
        var collector = new NatEntryCollector();
        var owner = Guid.NewGuid();
        for (var i = 0; i < 100; i++) collector.PutElsewhere([], owner, Entry(Key(i), 1));
        var shared = new CommonChanges(50, (_, _, _) => null);
        Assert.Equal(100, collector.TakeFor(["compute1"], _ => true, shared).Of("compute1")!.Common!.Put.Count);
        collector.PutElsewhere([], owner, Entry(Key(7), 2));
        var next = collector.TakeFor(["compute1"], _ => true, shared).Of("compute1")!;
        Assert.Null(next.Common);
        Assert.Equal("+7=2", Text(next.Put, next.Removed));
    }

    [Fact]
    public void Who_gets_something_else_than_the_changes_counts_as_one_that_has_taken_them()
    {
        var collector = new NatEntryCollector();
        collector.PutElsewhere([], Guid.NewGuid(), Entry(Key(1), 1));
        var taken = collector.TakeFor(["compute1", "compute2"], name => name == "compute1", Copied);
        Assert.NotNull(taken.Of("compute1"));
        Assert.Null(taken.Of("compute2"));
        Assert.True(taken.HasAny("compute2") && taken.GetsEverywhere("compute2"));
        Assert.Equal((false, false, true), (collector.HasAny("compute1"), collector.HasAny("compute2"), collector.HasAny("compute3")));
    }

    [Fact]
    public void An_owner_whose_change_a_vRouter_was_given_is_not_awaited_there_again_when_another_one_changes_the_entry_elsewhere()
    {
        var collector = new NatEntryCollector();
        collector.PutElsewhere([], Guid.NewGuid(), Entry(Key(1), 1));
        collector.TakeFor(["compute1"], _ => true, Copied);
        collector.PutElsewhere(["compute1"], Guid.NewGuid(), Entry(Key(1), 2));
        Assert.Empty(collector.TakeFor(["compute1"], _ => true, Copied).OwnersOnlyOf("compute1"));
    }

    [Fact]
    public void Before_the_wholes_the_same_is_awaited_and_no_entry_is_collected()
    {
        var random = new Random(9);
        for (var round = 0; round < 5_000; round++)
        {
            NatEntryCollector[] both = [new(), new(isBeforeWholes: true)];
            for (var step = random.Next(1, 7); step > 0; step--)
            {
                var (owner, key) = (new Guid(random.Next(3), 0, 0, new byte[8]), Key(random.Next(2)) with { RoutingInstance = random.Next(2) });
                var named = Names.Where(_ => random.Next(3) == 0).ToArray();
                var (byName, puts) = (random.Next(2) == 0, random.Next(2) == 0);
                foreach (var collector in both)
                {
                    foreach (var name in byName ? named : [])
                    {
                        if (puts) collector.Put(name, owner, Entry(key, step));
                        else collector.Remove(name, owner, key);
                    }

                    if (!byName && puts) collector.PutElsewhere(named, owner, Entry(key, step));
                    if (!byName && !puts) collector.RemoveElsewhere(named, owner, key);
                }
            }

            var (changes, wholes) = (both[0], both[1]);
            Assert.Equal((changes.HasEverywhere, changes.ReachesVpns), (wholes.HasEverywhere, wholes.ReachesVpns));
            foreach (var name in Names) Assert.True(wholes.HasAny(name) || !changes.HasAny(name));
            var (takenChanges, taken) = (changes.Take(Copied), wholes.Take(Copied));
            foreach (var name in Names)
            {
                Assert.Subset(OwnersOf(taken, name).ToHashSet(), OwnersOf(takenChanges, name).ToHashSet());
                Assert.True(taken.HasAny(name) || !takenChanges.HasAny(name));
                Assert.Equal(0, (taken.Of(name)?.Put.Count ?? 0) + (taken.Of(name)?.Removed.Count ?? 0));
            }
        }
    }

    [Fact]
    public void Before_the_wholes_nothing_can_be_taken_for_some() =>
        Assert.Throws<InvalidOperationException>(() => new NatEntryCollector(isBeforeWholes: true).TakeFor(["compute1"], _ => true, Copied));

    [Fact]
    public void Before_the_wholes_an_owner_costs_a_third_of_what_its_entries_would()
    {
        Collect(new NatEntryCollector()); // compiled methods are not an owner's cost
        var changes = Collect(new NatEntryCollector());
        Assert.InRange(Collect(new NatEntryCollector(isBeforeWholes: true)), 1, changes / 3);

        static long Collect(NatEntryCollector collector)
        {
            const int owners = 10_000;
            var entries = Enumerable.Range(0, owners).Select(i => Entry(Key(i), 1)).ToList();
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < owners; i++)
            {
                var owner = new Guid(i, 0, 0, new byte[8]);
                collector.Put("compute1", owner, entries[i]);
                collector.PutElsewhere(["compute1"], owner, entries[i]);
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    private static NatEntryKey Key(int number) => new(IPFamily.IPv4, IPAddress.Parse("100.0.0.4"), TransportProtocol.TCP, (ushort)number);

    /// <param name="number">Tells it apart from others of the same key.</param>
    private static VirtualRouterNatEntry Entry(NatEntryKey key, int number) => new(key, [new VirtualRouterBackend(IPAddress.Loopback, (ushort)number, Local: true)], false, []);

    /// <summary>Who waits for the vRouter's acknowledgement.</summary>
    private static IEnumerable<Guid> OwnersOf(NatEntryChangeSet taken, string name) => taken.OwnersOnlyOf(name).Concat(taken.GetsEverywhere(name) ? taken.OwnersEverywhere : []);

    private static string Text(IEnumerable<VirtualRouterNatEntry> put, IEnumerable<NatEntryKey> removed) =>
        string.Join(' ', put.Select(e => $"+{e.Key.Port}={e.Backends.Single().Port}").Concat(removed.Select(k => $"-{k.Port}")).Order(StringComparer.Ordinal));

    /// <summary>The changes of one vRouter: a key that another owner has put stays.</summary>
    private sealed class OneTable
    {
        private readonly Dictionary<NatEntryKey, (Guid Owner, VirtualRouterNatEntry Entry)> _put = [];
        private readonly HashSet<NatEntryKey> _removed = [];

        public HashSet<Guid> Owners { get; } = [];

        public bool IsEmpty => _put.Count + _removed.Count == 0;

        public void Set(Guid owner, NatEntryKey key, VirtualRouterNatEntry? entry)
        {
            if (entry is null && _put.TryGetValue(key, out var by) && by.Owner != owner) return;
            Owners.Add(owner);
            _put.Remove(key);
            _removed.Remove(key);
            if (entry is null) _removed.Add(key);
            else _put[key] = (owner, entry);
        }

        /// <summary>What is put, as the text of <see cref="ToString"/> says it.</summary>
        public string Puts => Text(_put.Values.Select(p => p.Entry), []);

        public VirtualRouterNatEntry? Entry(NatEntryKey key) => _put.TryGetValue(key, out var put) ? put.Entry : null;

        public override string ToString() => Text(_put.Values.Select(p => p.Entry), _removed);
    }
}
