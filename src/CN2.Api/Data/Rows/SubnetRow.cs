using System.Net;

namespace CN2.Api.Data.Rows;

/// <summary>A pool of addresses of an ExternalNetwork, or of the service network (network null).</summary>
public sealed class SubnetRow
{
    public int Id { get; set; }
    public Guid? ExternalNetworkUid { get; set; }
    public required IPNetwork Cidr { get; set; }
    public IPAddress? Gateway { get; set; }

    /// <summary>Position in the network's list: allocation tries the subnets of a family in this order.</summary>
    public int Position { get; set; }
}
