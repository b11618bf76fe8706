using CN2.Api.Data;
using CN2.Api.Reconcile;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Reconcile;

/// <summary>What a round decides, and what it leaves to a later one.</summary>
public sealed class LoopDecisionsTests : IAsyncDisposable
{
    private readonly LoopParts _parts = new(replace: services => services.AddSingleton<ILeaderTasks>(new RecordingLeaderTasks()));

    public ValueTask DisposeAsync() => _parts.DisposeAsync();

    [Fact]
    public void While_pages_of_changes_wait_statuses_are_drafted_once_a_second()
    {
        _parts.Get<LeaderDuties>().Handle(new LeaderEvent.LeadershipChanged(true));
        _parts.Get<StartupGate>().SpeakerAnswered(found: 0, adopted: 0);
        _parts.Get<StartupGate>().FirstSetTaken(_parts.Now);
        Touch(1);
        Assert.False(IsDrafted(seconds: 0, hasMore: false)); // it settles
        Assert.False(IsDrafted(seconds: 0.9, hasMore: true));
        Assert.True(IsDrafted(seconds: 0.1, hasMore: true));

        _parts.Get<LeaderDuties>().Handle(new LeaderEvent.StatusesWritten());
        Touch(2);
        Assert.False(IsDrafted(seconds: 0.1, hasMore: true));
        Assert.False(IsDrafted(seconds: 0.1, hasMore: false));
        Assert.True(IsDrafted(seconds: 0.1, hasMore: false));
    }

    private void Touch(int n)
    {
        _parts.State.Resources.Put(Sample.FloatingIP(n));
        _parts.State.Statuses.Add(Sample.Uid(n));
    }

    /// <summary>In a round so many seconds later nothing is left to draft.</summary>
    private bool IsDrafted(double seconds, bool hasMore)
    {
        _parts.Time.Advance(TimeSpan.FromSeconds(seconds));
        var asked = _parts.Time.GetTimestamp();
        _parts.Get<HeldLease>().Set(new LeaderLease(Sample.Uid(1), 1), asked);
        _parts.Get<HeldLease>().Answered(asked, _parts.Time.GetUtcNow());
        _parts.Get<LoopDecisions>().Lead(_parts.Now, new NextTick(), hasMore);
        return _parts.State.Statuses.IsEmpty;
    }
}
