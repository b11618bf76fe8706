using CN2.Api.Data.Rows;

namespace CN2.Api.Data;

/// <summary>Reads the change feed in its only safe order (docs/adr/0010-stores-behind-interfaces.md).</summary>
internal interface IChangeFeedReader
{
    Task<FeedPosition> HorizonAsync(CancellationToken cancellationToken);

    Task<List<ChangeRow>> ReadAsync(FeedPosition after, int count, CancellationToken cancellationToken);
}
