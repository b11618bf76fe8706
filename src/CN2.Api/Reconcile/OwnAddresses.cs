using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using CN2.Api.Options;
using Npgsql;

namespace CN2.Api.Reconcile;

/// <summary>The addresses of this control node, of its BGP engine and of the database server, as far as they can be found out here. Loopback may be among them.</summary>
internal sealed class OwnAddresses(BgpOptions bgp, ListenerOptions listeners, DatabaseOptions database)
{
    private static readonly TimeSpan ResolverPatience = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Addresses of the interfaces that are up, the router ID, and where the server and its engine listen. A name that cannot be resolved is left out.
    /// </summary>
    public async Task<IReadOnlyCollection<IPAddress>> OfThisNodeAsync(CancellationToken ct)
    {
        var found = new HashSet<IPAddress>(bgp.ListenAddresses);
        if (bgp.RouterId is { } id) found.Add(id);
        var interfaces = NetworkInterface.GetAllNetworkInterfaces().Where(i => i.OperationalStatus is OperationalStatus.Up or OperationalStatus.Unknown);
        found.UnionWith(interfaces.SelectMany(i => i.GetIPProperties().UnicastAddresses).Select(a => a.Address).Where(a => !a.IsIPv6LinkLocal));
        foreach (var url in (Uri[])[listeners.HttpUrl, listeners.GrpcUrl, .. bgp is { Enabled: true, GoBgpAddress.Scheme: "http" } ? [bgp.GoBgpAddress] : (Uri[])[]])
            found.UnionWith(await ResolveAsync(url.IdnHost, ct));
        found.RemoveWhere(a => a.Equals(IPAddress.Any) || a.Equals(IPAddress.IPv6Any));
        return found;
    }

    /// <summary>The hosts of the connection string; none for a unix socket.</summary>
    public async Task<IReadOnlyCollection<IPAddress>> OfDatabaseAsync(CancellationToken ct)
    {
        var found = new HashSet<IPAddress>();
        foreach (var host in (new NpgsqlConnectionStringBuilder(database.ConnectionString).Host ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (host[0] is '/' or '@') continue;
            found.UnionWith(await ResolveAsync(IPAddress.TryParse(host, out _) ? host : host.Split(':')[0], ct));
        }

        return found;
    }

    private static async Task<IPAddress[]> ResolveAsync(string host, CancellationToken ct)
    {
        if (IPAddress.TryParse(host, out var literal)) return [literal];
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(ResolverPatience);
        try
        {
            return await Dns.GetHostAddressesAsync(host, patience.Token);
        }
        catch (Exception e) when (!ct.IsCancellationRequested && e is SocketException or OperationCanceledException or ArgumentException)
        {
            return [];
        }
    }
}
