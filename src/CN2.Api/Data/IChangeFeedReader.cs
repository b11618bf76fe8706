namespace CN2.Api.Data;

/// <summary>Reads the change feed (docs/adr/0010-stores-behind-interfaces.md).</summary>
internal interface IChangeFeedReader
{
    Task<FeedPosition?> EndAsync(IDatabaseReading reading, CancellationToken cancellationToken);

    Task<FeedPage> ReadAsync(IDatabaseReading reading, FeedPosition after, int count, CancellationToken cancellationToken);
}
