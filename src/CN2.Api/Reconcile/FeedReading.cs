namespace CN2.Api.Reconcile;

/// <summary>What one reading of the change feed has brought.</summary>
/// <param name="Transactions">So many have changed something that the loop reads; statuses of Services and FloatingIPs are for watchers alone.</param>
/// <param name="More">The page is full, and there is more.</param>
internal readonly record struct FeedReading(int Transactions, bool More);
