using CN2.Api.Data;
using CN2.Api.Data.Rows;

namespace CN2.Simulation.Tests.Database;

/// <summary>Everything in the database at a moment.</summary>
internal sealed record DatabaseCopy(
    Tables Tables, IReadOnlyDictionary<Guid, AddressPool> Pools, LeaseRow? Lease, IReadOnlyList<ChangeRow> Changes, ulong NextXid, long NextId,
    IReadOnlyDictionary<Guid, int> Announcers, FeedSnapshot Horizon);
