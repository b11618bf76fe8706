using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Compilation;
using CN2.Network.Resources;
using CN2.Network.Tests.Compilation;

namespace CN2.Network.Tests.Sequencing;

/// <summary>
/// Random lives of pods: after each round every vRouter has the cluster IPs of the namespaces that have a pod there, and no others. <see cref="SequencedWorld"/> checks
/// besides that the changes that were sent make what a whole configuration would be.
/// </summary>
public sealed class DistributionSequenceTests
{
    private static readonly string[] Names = ["compute1", "compute2", "compute3", "compute4"];

    [Fact]
    public void Every_vRouter_has_the_cluster_IPs_of_the_namespaces_of_its_pods_after_any_changes()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var state = new NetworkState(ServiceDistribution.Namespace);
            var world = new SequencedWorld(Names);
            state.Put(Given.Network("vn"));
            for (var n = 1; n <= Names.Length; n++) state.Put(Given.VirtualRouter(Names[n - 1], $"172.27.115.{n}"));
            for (var n = 0; n < 5; n++) PutService(state, n);
            for (var round = 0; round < 25; round++)
            {
                for (var change = random.Next(1, 4); change > 0; change--) Change(random, state);
                world.Set([.. state.TakeDirtyOwners().Select(o => (o, state.Compile(o)))]);
                foreach (var name in Names) Check(seed, state, world, name);
                if (random.Next(4) == 0) world.Settle();
            }
        }
    }

    [Fact]
    public void Entries_for_all_that_become_entries_by_name_and_back_leave_nothing_behind()
    {
        EquatableList<string>?[] places = [null, ["compute1", "compute2"], ["compute2", "compute3"], ["compute2"], null, ["compute2", "compute4"]];
        for (var seed = 0; seed < 50; seed++)
        {
            var random = new Random(seed);
            var world = new SequencedWorld(Names);
            for (var step = 0; step < 12; step++)
            {
                var only = places[random.Next(places.Length)];
                var compiled = Routes.NodePort(Routes.FloatingIP(1), 30001);
                var clusterIP = compiled.NatEntries[0] with
                {
                    Key = new NatEntryKey(IPFamily.IPv4, IPAddress.Parse("10.233.0.1"), TransportProtocol.TCP, 80),
                    FloatingIP = Routes.FloatingIP(1),
                    Backends = [new Backend(IPAddress.Parse("10.0.0.1"), random.Next(2) == 0 ? (ushort)80 : (ushort)81, "compute2")],
                    OnlyOn = only,
                };
                world.Set(compiled with { NatEntries = [compiled.NatEntries[0], clusterIP] });
                Assert.Equal(only ?? [.. Names], Names.Where(n => world.TableOf(n).ContainsKey(clusterIP.Key)));
                Assert.All(Names, n => Assert.True(world.TableOf(n).ContainsKey(compiled.NatEntries[0].Key)));
            }
        }
    }

    /// <summary>All Services of a namespace are set when it comes to a vRouter: what each costs must not grow with the vRouters that have it already.</summary>
    [Fact]
    public void A_vRouter_more_costs_the_same_with_sixty_vRouters_as_with_two()
    {
        var (few, many) = (BytesOfOneMore(2), BytesOfOneMore(60));
        Assert.InRange(many, 0, 4 * few); // their names are compared; nothing is put together for each of them

        static long BytesOfOneMore(int count)
        {
            var world = new SequencedWorld([.. Enumerable.Range(0, count + 1).Select(Name)]);
            var compiled = Routes.NodePort(Routes.FloatingIP(1), 30001);
            EquatableList<string> before = [.. Enumerable.Range(0, count).Select(Name)];
            EquatableList<string> after = [.. Enumerable.Range(0, count + 1).Select(Name)];
            var backends = new EquatableList<Backend>([.. Enumerable.Range(0, 50).Select(i => new Backend(IPAddress.Parse($"10.0.0.{i}"), 80, Name(0)))]);
            var entry = compiled.NatEntries[0] with { Key = new NatEntryKey(IPFamily.IPv4, IPAddress.Parse("10.233.0.1"), TransportProtocol.TCP, 80), FloatingIP = Routes.FloatingIP(1), Backends = backends };
            Set(before);
            Set(after);
            Set(before);
            var bytes = GC.GetAllocatedBytesForCurrentThread();
            Set(after);
            return GC.GetAllocatedBytesForCurrentThread() - bytes;

            void Set(EquatableList<string> places)
            {
                world.Sequencer.Set(compiled.Owner, compiled with { NatEntries = [entry with { OnlyOn = places }] }, world.Now);
                world.Sequencer.TakeNatEntries(int.MaxValue);
            }
        }

        static string Name(int n) => $"compute{n:d2}";
    }

    private static void Change(Random random, NetworkState state)
    {
        var n = random.Next(8);
        switch (random.Next(8))
        {
            case 0:
                PutService(state, n % 5);
                break;
            case 1:
                state.RemoveFloatingIP(Given.Uid("floating-ip", $"10.233.0.{n % 5}"));
                state.RemoveFloatingIP(Given.Uid("floating-ip", $"100.0.0.{n % 5}"));
                state.RemoveService(Given.Uid("service", $"{NamespaceOf(n % 5)}/s{n % 5}"));
                break;
            case 2:
                state.RemoveVirtualMachineInterface(Given.Uid("interface", $"{NamespaceOf(n)}/p{n}"));
                break;
            case 3:
                var router = 1 + (n % Names.Length);
                state.Put(Given.VirtualRouter(Names[router - 1], $"172.27.115.{router}") with { Lost = random.Next(2) == 0 });
                break;
            default:
                state.Put(Given.Endpoint($"{NamespaceOf(n)}/p{n}", $"app=a{n % 3}", Names[random.Next(Names.Length)], $"10.0.0.{n}") with { Ready = random.Next(4) > 0 });
                break;
        }
    }

    private static string NamespaceOf(int n) => $"ns{n % 2}";

    private static void PutService(NetworkState state, int n)
    {
        var name = $"{NamespaceOf(n)}/s{n}";
        state.Put(Given.Service(name, $"app=a{n % 3}", Given.Port(80, 8080, (ushort)(30000 + n))));
        state.Put(Given.ClusterIP($"10.233.0.{n}", name));
        state.Put(Given.External($"100.0.0.{n}", "vn", name));
    }

    /// <summary>By the resources alone: which cluster IPs lead to at least one endpoint, and may be called by a pod of this node.</summary>
    private static void Check(int seed, NetworkState state, SequencedWorld world, string virtualRouter)
    {
        var namespaces = state.VirtualMachineInterfaces.Where(e => e.VirtualRouter == virtualRouter).Select(e => e.Id.Namespace).ToHashSet();
        var wanted = state.FloatingIPs
            .Where(f => f.Kind == FloatingIPKind.ClusterIP && state.TryGetService(f.Service!.Value) is { } service && namespaces.Contains(service.Id.Namespace)
                && state.VirtualMachineInterfaces.Any(e => e.Id.Namespace == service.Id.Namespace && e.Labels["app"] == service.Selector["app"]
                    && (e.VirtualRouter == virtualRouter || !state.VirtualRouter(e.VirtualRouter)!.Lost)))
            .Select(f => f.Address.ToString()).Order(StringComparer.Ordinal);
        var has = world.TableOf(virtualRouter).Keys.Select(k => k.Address).OfType<IPAddress>().Select(a => a.ToString())
            .Where(a => a.StartsWith("10.233.", StringComparison.Ordinal)).Order(StringComparer.Ordinal);
        Assert.True(wanted.SequenceEqual(has), $"seed {seed}: {virtualRouter} should have [{string.Join(' ', wanted)}] and has [{string.Join(' ', has)}]");
    }
}
