using CN2.Api.Data;
using CN2.Api.Reconcile;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Reconcile;

/// <summary>An agent that dialled another replica has answered there; its answer is read together with changes of the resources.</summary>
public sealed class AnswersElsewhereTests : IAsyncDisposable
{
    private static readonly Guid Epoch = Guid.NewGuid();
    private readonly LoopParts _parts = new(replace: services => services.AddSingleton<ILeaderTasks>(new RecordingLeaderTasks()));

    public ValueTask DisposeAsync() => _parts.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)] // the other replica has read both changes at once, so the agent never had the entries of the first one
    public void An_answer_releases_only_routes_that_are_still_wanted_after_all_that_was_read_with_it(bool isGoneMeanwhile)
    {
        var resources = _parts.Get<ResourceChanges>();
        Read(100);
        resources.Put(Sample.Network);
        resources.Put(Router(applied: null));
        resources.Put(Sample.Endpoint(1, "compute1"));
        resources.Put(Sample.FloatingIP(5) with { Interfaces = ["pod1"] });
        Compile();
        Assert.True(_parts.State.Sequencer.TakeRoutes().IsEmpty);

        Read(101);
        if (isGoneMeanwhile) resources.Put(Sample.FloatingIP(5));
        resources.Put(Router(applied: At(101)));
        Compile();
        Assert.Equal(isGoneMeanwhile, _parts.State.Sequencer.TakeRoutes().IsEmpty);
    }

    private void Compile() => _parts.Get<LoopDecisions>().Compile(_parts.Now, new NextTick(), isMidPage: false);

    private void Read(ulong xmax)
    {
        _parts.State.Ledger.Position = At(xmax);
        _parts.State.Ledger.Feed.ReadAll(At(xmax), []);
    }

    private static VirtualRouterState Router(FeedPosition? applied) => Sample.Router("compute1") with { ControlNode = "cn-b", Applied = applied };

    private static FeedPosition At(ulong xmax) => new(Epoch, new FeedSnapshot(xmax, []));
}
