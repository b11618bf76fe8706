namespace CN2.Api.Data.Rows;

public sealed class ExternalNetworkRow : NamespacedRow
{
    public const int DefaultQuarantineSeconds = 30;

    /// <summary>A day.</summary>
    public const int MaxQuarantineSeconds = 86_400;

    /// <summary>1 to 65535, unique, never changes: the assigned number of the route distinguisher (type 1, RFC 4364 §4.2).</summary>
    public int Number { get; set; }

    public bool FabricForwarding { get; set; }
    public bool AutoAssign { get; set; } = true;
    public int Priority { get; set; }

    /// <summary>How long an address that is released from now on rests, in seconds; 0: not at all.</summary>
    public int QuarantineSeconds { get; set; } = DefaultQuarantineSeconds;

    /// <summary>Subnets as written, route targets, advertisement (JSON).</summary>
    public required string Spec { get; set; }

    public List<SubnetRow> Subnets { get; set; } = [];
}
