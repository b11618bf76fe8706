using System.Globalization;
using System.Net;
using CN2.Network.Addressing;

namespace CN2.Api.Options;

/// <summary>
/// Reads settings and collects what is wrong with them: the setting's name, its value and what was expected, all at once
/// (contract §1). A wrong setting reads as its default, so that reading goes on.
/// </summary>
public sealed class SettingsReader(IConfiguration configuration)
{
    private readonly List<string> _faults = [];

    public IReadOnlyList<string> Faults => _faults;

    public void Fault(string key, string expected)
    {
        var value = configuration[key];
        // A connection string holds a password: it is named, never shown.
        var shown = string.IsNullOrEmpty(value) ? "not set" : key.StartsWith("ConnectionStrings", StringComparison.Ordinal) ? "set" : $"'{value}'";
        _faults.Add($"{key.Replace(":", "__", StringComparison.Ordinal)} is {shown}: expected {expected}.");
    }

    public string? Text(string key) => string.IsNullOrWhiteSpace(configuration[key]) ? null : configuration[key]!.Trim();

    public bool Flag(string key, bool byDefault)
    {
        if (Text(key) is not { } text) return byDefault;
        if (bool.TryParse(text, out var value)) return value;
        Fault(key, "true or false");
        return byDefault;
    }

    public long Number(string key, long byDefault, long from, long to)
    {
        if (Text(key) is not { } text) return byDefault;
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= from && value <= to)
            return value;
        Fault(key, $"a whole number from {from} to {to}");
        return byDefault;
    }

    public string OneOf(string key, string byDefault, params string[] allowed)
    {
        if (Text(key) is not { } text) return byDefault;
        if (allowed.Contains(text, StringComparer.Ordinal)) return text;
        Fault(key, string.Join(" or ", allowed));
        return byDefault;
    }

    /// <summary>An address to listen on: <c>http://IP-or-name:port</c> without a path.</summary>
    public Uri ListenUrl(string key, string byDefault)
    {
        var fallback = new Uri(byDefault);
        if (Text(key) is not { } text) return fallback;
        // "*" and "+" mean every address, as elsewhere in ASP.NET Core; a Uri does not take them as a host.
        var readable = text.Replace("://*", "://0.0.0.0", StringComparison.Ordinal).Replace("://+", "://0.0.0.0", StringComparison.Ordinal);
        if (Uri.TryCreate(readable, UriKind.Absolute, out var url) && url.Scheme == "http" && url.AbsolutePath == "/" && url.Query.Length == 0
            && (url.HostNameType is UriHostNameType.IPv4 or UriHostNameType.IPv6 || (url.Host == "localhost" && url.Port != 0))) // two addresses cannot share any free port
            return url;
        Fault(key, "http://ADDRESS:PORT with an IP address, localhost or *");
        return fallback;
    }

    /// <summary>Where gobgpd's gRPC is: <c>http://host:port</c> or <c>unix:///path</c>.</summary>
    public Uri EngineAddress(string key, string byDefault)
    {
        var fallback = new Uri(byDefault);
        if (Text(key) is not { } text) return fallback;
        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && ((url.Scheme == "http" && url.Host.Length > 0) || (url.Scheme == "unix" && url.AbsolutePath.Length > 1)))
            return url;
        Fault(key, "http://HOST:PORT or unix:///PATH");
        return fallback;
    }

    /// <summary>An address in its canonical text; <c>10.1</c> and <c>010.0.0.1</c> are refused.</summary>
    public IPAddress? Address(string key, bool v4Only = false)
    {
        if (Text(key) is not { } text) return null;
        if (IPAddress.TryParse(text, out var address) && string.Equals(address.ToString(), text, StringComparison.OrdinalIgnoreCase)
            && (!v4Only || address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork))
            return address;
        Fault(key, v4Only ? "an IPv4 address" : "an IP address");
        return null;
    }

    /// <summary>A prefix of cluster IPs: of the family, without host bits, with room for some and not for half the Internet.</summary>
    public IPNetwork Network(string key, string byDefault, bool v6)
    {
        var fallback = IPNetwork.Parse(byDefault);
        if (Text(key) is not { } text) return fallback;
        var (shortest, longest) = v6 ? (32, 126) : (8, 30);
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash > 0 && IPAddress.TryParse(text[..slash], out var written) && IPNetwork.TryParse(text, out var network)
            && network.BaseAddress.Equals(written) && string.Equals(written.ToString(), text[..slash], StringComparison.OrdinalIgnoreCase)
            && network.BaseAddress.AddressFamily == (v6 ? System.Net.Sockets.AddressFamily.InterNetworkV6 : System.Net.Sockets.AddressFamily.InterNetwork)
            && network.PrefixLength >= shortest && network.PrefixLength <= longest && SubnetPlan.RefusalOf(network) is null)
            return network;
        Fault(key, $"an {(v6 ? "IPv6" : "IPv4")} prefix of /{shortest} to /{longest} of unicast addresses, without host bits, such as {byDefault}");
        return fallback;
    }
}
