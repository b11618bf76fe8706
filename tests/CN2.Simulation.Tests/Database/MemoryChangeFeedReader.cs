using CN2.Api.Data;

namespace CN2.Simulation.Tests.Database;

internal sealed class MemoryChangeFeedReader(DatabaseLink link) : IChangeFeedReader
{
    public Task<FeedPosition?> EndAsync(IDatabaseReading reading, CancellationToken cancellationToken) =>
        link.CallAsync<FeedPosition?>(reading, r => new FeedPosition(r.Epoch, r.Seen), cancellationToken);

    public Task<FeedPage> ReadAsync(IDatabaseReading reading, FeedPosition after, int count, CancellationToken cancellationToken) =>
        link.CallAsync(db => db.Page((MemoryReading)reading, after, count), cancellationToken);
}
