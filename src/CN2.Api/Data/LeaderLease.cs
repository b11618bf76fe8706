using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.Data;

/// <summary>
/// The leadership as its holder proves it to the database. A statement that only the leader may carry out has <see cref="IsHeld"/> in its
/// condition: a leader that was stopped for a while and goes on in the middle of a duty changes nothing any more. After a fail-over or a restore nobody
/// leads until the new epoch has begun (<see cref="FeedEpochs"/>): rows may be missing, and the times at which control nodes and agents were seen are old.
/// </summary>
/// <param name="Run">The process that holds it; a control node that is started again is another run.</param>
/// <param name="Fence">Rises each time the leadership changes hands.</param>
public readonly record struct LeaderLease(Guid Run, long Fence)
{
    /// <summary>The first parameter of <see cref="IsHeld"/>; NULL without a lease.</summary>
    public static NpgsqlParameter RunOf(LeaderLease? lease) => new() { Value = (object?)lease?.Run ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid };

    /// <summary>The second parameter of <see cref="IsHeld"/>; NULL without a lease.</summary>
    public static NpgsqlParameter FenceOf(LeaderLease? lease) => new() { Value = (object?)lease?.Fence ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint };

    /// <summary>
    /// SQL that is true while the lease of these parameters (such as <c>$1</c>, <c>$2</c>) is held and not over by the database's clock, and the database
    /// is the one whose epoch it is.
    /// </summary>
    public static string IsHeld(string run, string fence) =>
        $"EXISTS (SELECT FROM leader_lease WHERE run = {run} AND fence = {fence} AND statement_timestamp() BETWEEN renewed_at AND expires_at) AND {FeedEpochs.IsProven}";
}
