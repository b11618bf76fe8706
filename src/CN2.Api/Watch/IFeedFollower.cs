using CN2.Api.Data;

namespace CN2.Api.Watch;

/// <summary>Takes the pages of the change feed that <see cref="WatchHub"/> reads for its own clients, so that the feed is read once.</summary>
internal interface IFeedFollower
{
    /// <summary>It needs no pages at the moment.</summary>
    bool IsIdle { get; }

    /// <summary>Reads what a page needs. The answer delivers it, and cannot fail.</summary>
    Task<Action> PrepareAsync(FeedPage page, CancellationToken cancellationToken);

    /// <summary>The feed does not go on from where it was.</summary>
    void End();
}
