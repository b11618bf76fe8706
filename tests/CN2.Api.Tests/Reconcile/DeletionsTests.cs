using CN2.Api.Reconcile;

namespace CN2.Api.Tests.Reconcile;

/// <summary>When something that is deleted may free its addresses.</summary>
public sealed class DeletionsTests : IAsyncDisposable
{
    private static readonly Guid Service = Sample.Uid(4001);
    private readonly LoopParts _parts = new();
    private readonly Deletions _deletions;

    public DeletionsTests()
    {
        _deletions = _parts.Get<Deletions>();
        _parts.State.Resources.Put(Sample.Service(1) with { Deleting = true });
        _parts.State.Resources.Put(Sample.FloatingIP(1, service: 1));
        _deletions.Put(Sample.Service(1) with { Deleting = true });
    }

    public ValueTask DisposeAsync() => _parts.DisposeAsync();

    [Fact]
    public void A_service_that_nothing_announces_holds_or_awaits_is_taken_once_until_it_was_tried()
    {
        var batch = _deletions.TakeFinished();
        Assert.Equal([Service], batch!.Services);
        Assert.Empty(batch.FloatingIPs);
        Assert.Null(_deletions.TakeFinished());
        _deletions.WereTried(batch);
        Assert.Equal([Service], _deletions.TakeFinished()!.Services);
    }

    [Fact]
    public void A_service_waits_for_its_own_routes()
    {
        _parts.State.Ledger.Open("compute1");
        _parts.State.Sequencer.Set(Service, Compiled.With(Service, Sample.Route(1)), _parts.Now);
        Compiled.Acknowledge(_parts, "compute1");
        Assert.Null(_deletions.TakeFinished());
    }

    [Fact]
    public void A_service_waits_for_other_replicas()
    {
        _parts.State.Others.Set(Sample.Uid(1), "cn-b", []);
        Assert.Null(_deletions.TakeFinished());
        _parts.State.Others.Clear(Sample.Uid(1));
        Assert.NotNull(_deletions.TakeFinished());
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, true)] // a lost vRouter does not count
    public void A_service_waits_for_vRouters_that_are_not_lost(bool lost, bool finished)
    {
        var account = _parts.State.Ledger.Open("compute1");
        account.Sent(new Sending(new CN2.Network.Sequencing.AckMark(1, 1), null, [Service]));
        account.Lost = lost;
        Assert.Equal(finished, _deletions.TakeFinished() is not null);
    }

    [Fact]
    public void A_floating_IP_is_taken_by_itself_and_not_when_it_is_wanted_again()
    {
        _deletions.RemoveService(Service);
        _deletions.Put(Sample.FloatingIP(2) with { Deleting = true });
        _deletions.Put(Sample.FloatingIP(3) with { Deleting = true });
        _deletions.Put(Sample.FloatingIP(3));
        Assert.Equal([Sample.Uid(2)], _deletions.TakeFinished()!.FloatingIPs);
    }

    [Fact]
    public void Those_that_the_database_refuses_hold_up_no_other()
    {
        for (var i = 2; i <= 450; i++)
        {
            _deletions.Put(Sample.Service(i) with { Deleting = true });
            _deletions.Put(Sample.FloatingIP(i) with { Deleting = true });
        }

        var (services, floatingIPs) = (new List<Guid>(), new List<Guid>());
        for (var i = 0; i < 3; i++)
        {
            var batch = _deletions.TakeFinished()!;
            services.AddRange(batch.Services);
            floatingIPs.AddRange(batch.FloatingIPs);
            _deletions.WereTried(batch);
        }

        Assert.Equal(450, services.Distinct().Count());
        Assert.Equal(449, floatingIPs.Distinct().Count());
        Assert.Equal(services.Take(50), services.Skip(450).Take(50)); // and then they are tried again
    }

    [Fact]
    public void A_deleted_service_is_not_taken_again()
    {
        var batch = _deletions.TakeFinished()!;
        _deletions.RemoveService(Service);
        _deletions.WereTried(batch);
        Assert.Null(_deletions.TakeFinished());
    }
}
