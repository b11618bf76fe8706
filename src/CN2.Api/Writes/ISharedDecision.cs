namespace CN2.Api.Writes;

/// <summary>A decision that can be made for many items in one transaction, so that they share its statements and its commit.</summary>
public interface ISharedDecision<TItem>
{
    /// <summary>One outcome for each item, in order. A refused item leaves the others alone; a constraint violation concerns all of them.</summary>
    Task<IReadOnlyList<WriteOutcome>> DecideAsync(WriteScope scope, IReadOnlyList<TItem> items, CancellationToken ct);

    /// <summary>
    /// Items with equal keys never share a transaction. Null: the item never shares one, because a constraint may well refuse it and
    /// the others would have to start again.
    /// </summary>
    string? KeyOf(TItem item);
}
