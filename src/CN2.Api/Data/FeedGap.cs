namespace CN2.Api.Data;

/// <summary>Why a reader cannot go on from its position.</summary>
public enum FeedGap
{
    None,

    /// <summary>Retention has removed rows that the reader has not seen.</summary>
    Removed,

    /// <summary>The database has gone back or is another one: fail-over, restore.</summary>
    Epoch,
}
