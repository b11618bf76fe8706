using System.Net;
using Microsoft.Extensions.Primitives;

namespace CN2.Api.Http;

/// <summary>
/// The host names of one listener: its own and <c>AllowedHosts</c>. A page of another name that was made to resolve to this server (DNS rebinding) gets
/// nothing. An address is no such name, so a server that listens on every address takes each.
/// </summary>
internal sealed class ListeningNames
{
    private static readonly string[] OfLoopback = ["localhost", "127.0.0.1", "[::1]"];

    private readonly List<StringSegment> _names;
    private readonly bool _everyAddress;
    private readonly bool _everyName;

    public ListeningNames(Uri url, string allowedHosts)
    {
        var allowed = allowedHosts.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        _everyName = allowed.Contains("*");
        _everyAddress = IPAddress.TryParse(url.Host, out var address) && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any));
        var isLoopback = url.IsLoopback;
        string[] names = [url.Host, .. isLoopback || _everyAddress ? OfLoopback : [], .. isLoopback ? [] : new[] { Environment.MachineName }, .. allowed.Select(Bracketed)];
        _names = [.. names.Select(n => new StringSegment(n))];
    }

    /// <summary>Without a host (HTTP/1.0, as health checks of load balancers send it) no browser is there.</summary>
    public bool Has(HostString host)
    {
        if (_everyName || !host.HasValue) return true;
        if (_everyAddress && IPAddress.TryParse(host.Host.Trim('[', ']'), out _)) return true;
        try
        {
            return HostString.MatchesAny(host.Value, _names);
        }
        catch (FormatException)
        {
            return false;
        }
    }

    /// <summary>IPv6 as it stands in a Host header.</summary>
    private static string Bracketed(string name) => name.Contains(':', StringComparison.Ordinal) && name[0] != '[' ? $"[{name}]" : name;
}
