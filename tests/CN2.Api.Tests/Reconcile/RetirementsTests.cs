using CN2.Api.Reconcile;
using CN2.Network.Compilation;
using CN2.Network.Resources;

namespace CN2.Api.Tests.Reconcile;

/// <summary>When a FloatingIP that a Service is leaving goes. FloatingIP 1 leaves; FloatingIP 2 is its successor.</summary>
public sealed class RetirementsTests : IAsyncDisposable
{
    private static readonly Guid Service = Sample.Uid(4001);
    private readonly LoopParts _parts = new();
    private readonly Retirements _retirements;

    public RetirementsTests() => _retirements = _parts.Get<Retirements>();

    public ValueTask DisposeAsync() => _parts.DisposeAsync();

    // The routes of the leaving address and of its successor: none, wanted (the speaker has not answered), announced.
    [Theory]
    [InlineData("announced", "absent", true)] // the Service wants no address of this family any more
    [InlineData("announced", "none", true)] // the successor gets no route
    [InlineData("announced", "wanted", false)] // make before break
    [InlineData("announced", "announced", true)]
    [InlineData("wanted", "wanted", false)]
    [InlineData("none", "wanted", true)] // it serves nothing
    public void A_leaving_address_goes_when_its_successor_serves(string leaving, string successor, bool goes)
    {
        Start();
        if (successor != "absent") _parts.State.Resources.Put(_retirements.Filter(Sample.FloatingIP(2, service: 1)));
        SetRoutes([.. RoutesOf(1, leaving), .. RoutesOf(2, successor)]);
        _parts.State.Sequencer.Announced([.. Announced(1, leaving), .. Announced(2, successor)], _parts.Now);

        Assert.Equal(goes ? [Sample.Uid(1)] : [], _retirements.Due([Service]).Select(f => f.Uid));
        Assert.Empty(_retirements.Due([Service])); // once
        Assert.Equal(goes, _retirements.Filter(Sample.FloatingIP(1, service: 1) with { Deleting = true }).Deleting);
    }

    [Fact]
    public void An_owner_that_was_not_touched_is_not_checked()
    {
        Start();
        Assert.Empty(_retirements.Due([Sample.Uid(4002)]));
        Assert.Single(_retirements.Due([Service]));
    }

    [Fact]
    public void The_compiler_sees_a_leaving_address_as_held_and_all_others_as_they_are()
    {
        Start();
        var leaving = Sample.FloatingIP(1, service: 1) with { Deleting = true };
        Assert.False(_retirements.Filter(leaving).Deleting);
        Assert.True(_retirements.Filter(leaving with { Uid = Sample.Uid(5), Kind = FloatingIPKind.ClusterIP }).Deleting);
        Assert.True(_retirements.Filter(leaving with { Uid = Sample.Uid(6), Service = null }).Deleting);
        Assert.True(_retirements.Filter(leaving with { Uid = Sample.Uid(7), Service = Sample.Uid(4009) }).Deleting); // its Service is gone
    }

    [Fact]
    public void With_a_Service_that_is_deleted_its_leaving_addresses_go_at_once()
    {
        Start();
        _parts.State.Resources.Put(Sample.Service(1) with { Deleting = true });
        Assert.True(Assert.Single(_retirements.Reconsider(Service)).Deleting);
        Assert.Empty(_retirements.Reconsider(Service));
    }

    [Fact]
    public void A_removed_address_is_forgotten()
    {
        Start();
        _retirements.Forget(Sample.Uid(1));
        Assert.Empty(_retirements.Due([Service]));
    }

    private void Start()
    {
        _parts.State.Ledger.Open("compute1");
        _parts.State.Resources.Put(Sample.Network);
        _parts.State.Resources.Put(Sample.Service(1));
        _parts.State.Resources.Put(_retirements.Filter(Sample.FloatingIP(1, service: 1) with { Deleting = true }));
    }

    private static FloatingIPRoute[] RoutesOf(int floatingIP, string state) => state is "wanted" or "announced" ? [Sample.Route(floatingIP)] : [];

    private static FloatingIPRoute[] Announced(int floatingIP, string state) => state == "announced" ? [Sample.Route(floatingIP)] : [];

    /// <summary>The owner wants these routes; the vRouter has acknowledged their entries, so the speaker is asked to announce them.</summary>
    private void SetRoutes(FloatingIPRoute[] routes)
    {
        _parts.State.Sequencer.Set(Service, Compiled.With(Service, routes), _parts.Now);
        Compiled.Acknowledge(_parts, "compute1");
    }
}
