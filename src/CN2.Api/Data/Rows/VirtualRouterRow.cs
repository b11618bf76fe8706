using System.Net;

namespace CN2.Api.Data.Rows;

public sealed class VirtualRouterRow : ResourceRow
{
    public required IPAddress Address { get; set; }
    public IPAddress? Address6 { get; set; }
    public bool AdminDown { get; set; }
}
