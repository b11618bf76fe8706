namespace CN2.Api.Data.Rows;

/// <summary>
/// A FloatingIP that a replica announces or may announce. It is written before the first route goes to the speaker, and deleted when the
/// NAT entries are gone, after the last withdrawal was confirmed. While a row exists the address is not free
/// (docs/adr/0004-advertisements-are-rows.md).
/// </summary>
public sealed class AnnouncementRow
{
    public required string ControlNode { get; set; }
    public Guid FloatingIPUid { get; set; }

    /// <summary>The paths that the replica's routes may have in the speaker's table (JSON).</summary>
    public string Routes { get; set; } = "[]";
}
