using CN2.Api.Options;
using CN2.Api.Reconcile;
using CN2.Network.Compilation;
using CN2.Network.Resources;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Reconcile;

/// <summary>Which agents are sent the cluster IPs, and who waits for them, with <c>ServiceNetwork__Distribution=namespace</c>.</summary>
public sealed class DistributionTests : IAsyncDisposable
{
    private static readonly Guid Service = Sample.Service(1).Uid;
    private readonly LoopParts _parts = new(replace: services => services.AddSingleton(new ServiceNetworkOptions { Distribution = ServiceDistribution.Namespace }));
    private readonly ResourceChanges _changes;

    public DistributionTests()
    {
        _changes = _parts.Get<ResourceChanges>();
        foreach (var router in (string[])["compute1", "compute2", "compute3"])
        {
            _changes.Put(Sample.Router(router));
            Compiled.Acknowledge(_parts, router);
        }

        _changes.Put(Sample.Service(1) with { Type = ServiceType.ClusterIP });
        _changes.Put(Sample.FloatingIP(1, service: 1) with { Kind = FloatingIPKind.ClusterIP, ExternalNetwork = null });
        Round();
        _parts.Publisher.Configs.Clear();
        _parts.Publisher.Deltas.Clear();
    }

    public ValueTask DisposeAsync() => _parts.DisposeAsync();

    [Fact]
    public void Only_the_nodes_of_the_namespace_are_sent_the_cluster_IP_and_only_they_are_waited_for()
    {
        _changes.Put(Sample.Endpoint(1, "compute1"));
        Round();
        Assert.Equal(["compute1 +100.0.0.1"], TakeSent());
        Assert.Equal(["compute1"], Awaited());

        _changes.Put(Sample.Endpoint(2, "compute2"));
        Round();
        Assert.Equal(["compute2 +100.0.0.1"], TakeSent());
        Acknowledge("compute1");
        Assert.Equal(["compute2"], Awaited());
        Acknowledge("compute2");
        Assert.Empty(Awaited());

        _changes.RemoveVirtualMachineInterface(Sample.Endpoint(2, "compute2").Uid);
        Round();
        Assert.Equal(["compute2 -100.0.0.1"], TakeSent());
    }

    [Fact]
    public void A_changed_service_reaches_all_nodes_of_its_namespace_and_an_endpoint_that_moves_takes_it_along()
    {
        _changes.Put(Sample.Endpoint(1, "compute1"));
        _changes.Put(Sample.Endpoint(2, "compute2"));
        Round();
        TakeSent();
        _changes.Put(Sample.Endpoint(1, "compute1") with { Ready = false });
        Round();
        Assert.Equal(["compute1 +100.0.0.1", "compute2 +100.0.0.1"], TakeSent());
        _changes.Put(Sample.Endpoint(2, "compute3"));
        Round();
        Assert.Equal(["compute2 -100.0.0.1", "compute3 +100.0.0.1"], TakeSent());
    }

    [Fact]
    public void An_agent_that_connects_gets_the_cluster_IPs_of_its_namespaces()
    {
        _changes.Put(Sample.Endpoint(1, "compute1"));
        _changes.Put(Sample.Endpoint(2, "compute2"));
        Round();
        foreach (var router in (string[])["compute1", "compute2", "compute3"]) _parts.Get<VRouterDispatcher>().Connected(router);
        _parts.Get<VRouterDispatcher>().Flush();
        Assert.Equal([("compute1", 1), ("compute2", 1), ("compute3", 0)], _parts.Publisher.Configs.Select(c => (c.Name, c.Config.NatEntries.Count)).Order());
    }

    private void Round()
    {
        _parts.Compile();
        _parts.Get<VRouterDispatcher>().Flush();
    }

    private void Acknowledge(string router)
    {
        var account = _parts.State.Ledger.Open(router);
        account.Applied(account.LastRevision);
    }

    private List<string> Awaited() => [.. _parts.State.Ledger.AwaitedBy(Service).Select(a => a.Name).Order(StringComparer.Ordinal)];

    private List<string> TakeSent()
    {
        var sent = _parts.Publisher.Deltas
            .SelectMany(d => d.Delta.NatEntries.Select(e => $"{d.Name} +{e.Key.Address}").Concat(d.Delta.RemovedNatEntries.Select(k => $"{d.Name} -{k.Address}")))
            .Order(StringComparer.Ordinal).ToList();
        _parts.Publisher.Deltas.Clear();
        return sent;
    }
}
