using CN2.Api.Reconcile;
using CN2.Network.Resources;

namespace CN2.Api.Tests.Reconcile;

/// <summary>When Services that lack an address are tried again.</summary>
public sealed class PendingServicesTests
{
    private static readonly DateTimeOffset Start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly Service Pending = Sample.Service(1) with { PendingReason = "AddressesExhausted" };
    private readonly PendingServices _services = new();

    [Fact]
    public void Pending_services_are_tried_when_something_may_fit_and_at_least_every_interval()
    {
        _services.Put(Pending);
        Assert.Equal([Pending.Uid], Take(0)!.Services);
        _services.WereTried();
        Assert.Null(Take(1));
        _services.SomethingMayFit();
        Assert.NotNull(Take(1));
        _services.WereTried();
        Assert.Null(Take(1 + PendingServices.Interval.TotalSeconds));
        Assert.NotNull(Take(1.001 + PendingServices.Interval.TotalSeconds));
    }

    [Fact]
    public void A_batch_is_taken_only_after_the_last_one_was_tried()
    {
        _services.Put(Pending);
        _services.SomethingMayFit();
        Assert.NotNull(Take(0));
        _services.SomethingMayFit();
        Assert.Null(Take(60));
        _services.WereTried();
        Assert.NotNull(Take(60));
    }

    [Fact]
    public void A_changed_network_is_tried_once_also_without_pending_services()
    {
        _services.NetworkChanged(Sample.Network.Uid);
        var batch = Take(0)!;
        Assert.Empty(batch.Services);
        Assert.Equal([Sample.Network.Uid], batch.ChangedNetworks);
        _services.WereTried();
        Assert.Null(Take(60));
    }

    [Fact]
    public void Services_that_got_everything_are_deleted_or_are_gone_are_not_tried()
    {
        foreach (var n in new[] { 1, 2, 3, 4 }) _services.Put(Sample.Service(n) with { PendingReason = "AddressesExhausted" });
        _services.Put(Sample.Service(1));
        _services.Put(Sample.Service(2) with { PendingReason = "AddressesExhausted", Deleting = true });
        _services.Remove(Sample.Service(3).Uid);
        Assert.Equal([Sample.Service(4).Uid], Take(0)!.Services);
    }

    private PendingBatch? Take(double seconds) => _services.Take(Start + TimeSpan.FromSeconds(seconds));
}
