using System.Net;

namespace CN2.Api.Data.Rows;

public sealed class BgpRouterRow : ResourceRow
{
    public required IPAddress Address { get; set; }

    /// <summary>The rest of the request with defaults, without the key (JSON).</summary>
    public required string Spec { get; set; }

    /// <summary>TCP MD5 key (RFC 2385), protected (folder Secrets); of a row from before there was protection as it is. Write-only over the API.</summary>
    public string? AuthKey { get; set; }
}
