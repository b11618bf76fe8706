namespace CN2.Api.Data.Rows;

/// <summary>
/// A row of the change feed (docs/adr/0003-one-change-feed.md). Readers take rows in the order (<see cref="Xid"/>, <see cref="Id"/>), and
/// only those below the oldest running transaction, so that no reader skips a row that commits late. <see cref="ChangeList"/> writes them.
/// </summary>
public sealed class ChangeRow
{
    public long Id { get; set; }

    /// <summary>The transaction that wrote it: <c>pg_current_xact_id()</c>.</summary>
    public ulong Xid { get; set; }
    public ResourceKind Kind { get; set; }
    public string? Namespace { get; set; }
    public required string Name { get; set; }
    public Guid Uid { get; set; }
    public ChangeVerb Verb { get; set; }

    /// <summary>Only the status changed: watches read the row, the reconciler skips it.</summary>
    public bool StatusOnly { get; set; }

    /// <summary>The last representation of a deleted resource (JSON); otherwise null.</summary>
    public string? Document { get; set; }
    public DateTimeOffset At { get; set; }
}
