using System.Net;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Overlay.Packets;

namespace CN2.VRouter.Overlay.Kernel;

/// <summary>The UDP port in the node's namespace at which the kernel receives MPLS in UDP (FOU).</summary>
internal static class TunnelPort
{
    private const int MplsInIp = 137; // IANA protocol number

    /// <summary>Opens the port at this address of the node, and closes it at every other.</summary>
    /// <exception cref="DataplaneException">Another program has the port.</exception>
    public static async Task OpenAsync(IPAddress address)
    {
        var open = await ListAsync();
        await IpTool.RemoveAsync([], [.. open.Where(local => local != address.ToString()).Select(Close)]);
        if (open.Contains(address.ToString())) return;
        try
        {
            await IpTool.ChangeAsync([], [$"fou add port {MplsInUdp.Port} ipproto {MplsInIp} local {address}"]);
        }
        catch (DataplaneException e)
        {
            throw new DataplaneException($"UDP port {MplsInUdp.Port} of this node cannot be had: {e.Message}", e);
        }
    }

    public static async Task CloseAllAsync()
    {
        foreach (var local in await ListAsync()) await IpTool.RemoveAsync([], [Close(local)]);
    }

    private static string Close(string local) => $"fou del port {MplsInUdp.Port} local {local}";

    private static async Task<IReadOnlyList<string>> ListAsync() =>
        [.. (await IpTool.ListAsync("fou", "show")).Where(p => p.GetProperty("port").GetInt32() == MplsInUdp.Port && p.TryGetProperty("local", out _)).Select(p => p.GetProperty("local").GetString()!)];
}
