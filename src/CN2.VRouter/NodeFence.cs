using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using CN2.Network.Addressing;

namespace CN2.VRouter;

/// <summary>
/// The addresses that this node keeps whatever a server sends: its own, those of its interfaces, and those of its servers. As FloatingIPs they
/// would cut the node off from the servers, and so from the message that takes the fault back. Any thread may read it.
/// </summary>
/// <param name="servers">Names of servers are resolved; while that fails, the last answer counts.</param>
/// <param name="own">The addresses of the command line.</param>
/// <param name="local">The addresses of the interfaces; null: those of the network namespace of the calling thread.</param>
public sealed class NodeFence(IReadOnlyList<Uri> servers, IReadOnlyCollection<IPAddress> own, Func<IEnumerable<IPAddress>>? local = null)
{
    /// <summary>How often to look for changes.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan ResolverPatience = TimeSpan.FromSeconds(2);

    private readonly Dictionary<string, IPAddress[]> _resolved = [];
    private volatile IReadOnlySet<IPAddress> _addresses = Of([.. own, .. servers.Select(s => IPAddress.TryParse(s.DnsSafeHost, out var a) ? a : IPAddress.Loopback), .. (local ?? Interfaces)()]);

    /// <summary>Without loopback addresses: no FloatingIP can have one.</summary>
    public IReadOnlySet<IPAddress> Addresses => _addresses;

    /// <summary>Why an endpoint on this node cannot have the address.</summary>
    public static string NoEndpoint(IPAddress address) =>
        $"{address} is an address of this node or of its server and no endpoint: what the node itself has there would be reached; give the endpoint the address of a pod";

    /// <summary>Looks again; true: the addresses have changed. For one task.</summary>
    public async Task<bool> RefreshAsync(CancellationToken cancellation)
    {
        foreach (var host in servers.Select(s => s.DnsSafeHost).Distinct()) await ResolveAsync(host, cancellation);
        HashSet<IPAddress> now;
        try
        {
            now = Of([.. own, .. _resolved.Values.SelectMany(a => a), .. (local ?? Interfaces)()]);
        }
        catch (NetworkInformationException)
        {
            return false; // an interface went while it was read
        }

        if (now.SetEquals(_addresses)) return false;
        _addresses = now;
        return true;
    }

    private async Task ResolveAsync(string host, CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(ResolverPatience);
        try
        {
            _resolved[host] = await Dns.GetHostAddressesAsync(host, patience.Token);
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested && e is SocketException or OperationCanceledException)
        {
            // The last answer counts.
        }
    }

    private static HashSet<IPAddress> Of(IEnumerable<IPAddress> addresses) => addresses.Select(WithoutScope).Where(a => !IPAddress.IsLoopback(a)).ToHashSet();

    private static IEnumerable<IPAddress> Interfaces() =>
        NetworkInterface.GetAllNetworkInterfaces().SelectMany(i => i.GetIPProperties().UnicastAddresses).Select(a => a.Address);

    private static IPAddress WithoutScope(IPAddress address) =>
        address.Unmapped() is { AddressFamily: AddressFamily.InterNetworkV6, ScopeId: not 0 } scoped ? new IPAddress(scoped.GetAddressBytes()) : address.Unmapped();
}
