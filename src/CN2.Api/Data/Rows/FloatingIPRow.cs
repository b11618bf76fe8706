using System.Net;

namespace CN2.Api.Data.Rows;

public sealed class FloatingIPRow : NamespacedRow
{
    public int SubnetId { get; set; }

    /// <summary>Copy of the subnet's CIDR. A foreign key keeps it equal, so that a check constraint can compare the address with it.</summary>
    public required IPNetwork SubnetCidr { get; set; }

    public required IPAddress Address { get; set; }

    /// <summary>Null: a cluster IP.</summary>
    public Guid? ExternalNetworkUid { get; set; }

    /// <summary>The Service that owns or claimed it; null: no Service holds it.</summary>
    public Guid? ServiceUid { get; set; }

    /// <summary>A user created it, and it survives the Service that claims it.</summary>
    public bool Reserved { get; set; }

    /// <summary>Interfaces and port mappings of one that is attached directly (JSON).</summary>
    public string Spec { get; set; } = "{}";

    public DateTimeOffset? DeletingAt { get; set; }
}
