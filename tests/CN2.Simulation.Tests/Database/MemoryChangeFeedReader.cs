using CN2.Api.Data;
using CN2.Api.Data.Rows;

namespace CN2.Simulation.Tests.Database;

internal sealed class MemoryChangeFeedReader(DatabaseLink link) : IChangeFeedReader
{
    public Task<FeedPosition> HorizonAsync(CancellationToken cancellationToken) => link.CallAsync(db => db.Horizon, cancellationToken);

    public Task<List<ChangeRow>> ReadAsync(FeedPosition after, int count, CancellationToken cancellationToken) => link.CallAsync(db => db.ChangesAfter(after, count), cancellationToken);
}
