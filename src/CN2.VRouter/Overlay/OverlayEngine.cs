using System.ComponentModel;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using CN2.Network.Addressing;
using CN2.Network.Overlay;
using CN2.Network.Sequencing;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Nft;
using CN2.VRouter.Overlay.Forwarding;
using CN2.VRouter.Overlay.Kernel;
using CN2.VRouter.Overlay.Plumbing;

namespace CN2.VRouter.Overlay;

/// <summary>
/// Devices, routes and rules of the RoutingInstances, and the tunnels behind the devices: those of the kernel, or those of this process.
/// Nothing is made before the first RoutingInstance. Everything lives in the network namespace of the calling thread.
/// </summary>
/// <remarks>
/// The rules stay when the process ends: packets of a VPN then meet "unreachable", and do not leak into the underlay, where no tunnels are.
/// </remarks>
public sealed class OverlayEngine : IOverlayEngine
{
    /// <summary>RoutingInstances that one call may find out to be refused.</summary>
    private const int MaximumAttempts = 16;

    private readonly Dictionary<int, string> _refusedInstances = [];
    private readonly Dictionary<VpnRouteKey, string> _refusedRoutes = [];
    private readonly string _table;
    private readonly IOverlayApplier _applier;
    private readonly NftTotals _totals;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly Channel<string> _drift = Channel.CreateBounded<string>(new BoundedChannelOptions(64) { FullMode = BoundedChannelFullMode.DropWrite });
    private volatile bool _unsettled = true;
    private bool _disposed;

    /// <param name="table">The devices are named <c>table-number</c>.</param>
    /// <param name="address">The node's IPv4 address: the near end of the tunnels.</param>
    /// <param name="choice">Which tunnels; <see cref="OverlayChoice.Auto"/>: the kernel's where it supports MPLS.</param>
    /// <exception cref="DataplaneException">The kernel's tunnels are demanded, and this kernel or process cannot have them.</exception>
    public OverlayEngine(string table, IPAddress address, OverlayChoice choice, ILogger<OverlayEngine> logger)
    {
        if (address.AddressFamily != AddressFamily.InterNetwork) throw new ArgumentException("tunnels end at an IPv4 address", nameof(address));
        _table = table;
        var kernel = KernelMpls.Detect();
        if (choice == OverlayChoice.Kernel && !kernel.Usable) throw new DataplaneException($"--overlay kernel: {kernel}; load the modules, or let the agent choose");
        _totals = new NftTotals(table);
        // An earlier agent may have left kernel tunnels, which take packets and hold the UDP port. The devices of user-space tunnels
        // disappear with their process.
        _applier = choice != OverlayChoice.Userspace && kernel.Usable
            ? new OverlayApplier<KernelInstance>(table, address, new KernelTunnels(table, address, Drifted), static () => Task.CompletedTask, Drifted, logger)
            : new OverlayApplier<UserspaceInstance>(table, address, new UserspaceTunnels(address, $"{kernel}"), () => KernelTunnels.FlushAsync(table), Drifted, logger);
    }

    public string Name => _applier.Name;

    public string? Notice => _applier.Notice;

    public ChannelReader<string> Drift => _drift.Reader;

    public OverlayCounters Counters => _applier.Counters with { NotFromUplink = _totals.Read().GetValueOrDefault(NftUplink.Counter) };

    internal long AllocatedBytes => _applier.AllocatedBytes;

    /// <summary>Removes what engines with this table's name left in the network namespace of the calling thread.</summary>
    public static async Task FlushAsync(string table)
    {
        try
        {
            using (var plumbing = new OverlayPlumbing(table, IPAddress.Any, _ => { })) plumbing.Flush();
            await KernelTunnels.FlushAsync(table);
        }
        catch (Win32Exception e)
        {
            throw new DataplaneException(e.Message, e);
        }
    }

    public async Task<IReadOnlyList<DataplaneRefusal>> ApplyAsync(OverlayConfig desired, OverlayChange? change, CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_unsettled) change = null;
            if (change is not { IsEmpty: true }) await ApplyAsync(desired, change);
            return Refusals(desired);
        }
        catch (Exception e)
        {
            _unsettled = true;
            if (e is Win32Exception or TimeoutException or InstanceRefusedException) throw new DataplaneException(e.Message, e);
            throw;
        }
        finally
        {
            _turn.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _turn.WaitAsync();
        try
        {
            if (_disposed) return;
            _disposed = true;
            await _applier.DisposeAsync();
            _totals.Dispose();
            _drift.Writer.TryComplete();
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task ApplyAsync(OverlayConfig desired, OverlayChange? change)
    {
        // What is named is tried again; a route is tried with its RoutingInstance too.
        foreach (var number in _refusedInstances.Keys.Where(n => change is null || change.RoutingInstances.Contains(n)).ToList()) _refusedInstances.Remove(number);
        foreach (var key in _refusedRoutes.Keys.Where(k => change is null || change.Routes.Contains(k) || change.RoutingInstances.Contains(k.RoutingInstance)).ToList())
        {
            _refusedRoutes.Remove(key);
            change?.Routes.Add(key);
        }

        Check(desired);
        for (var attempt = 1; ; attempt++)
        {
            _unsettled = false; // drift that is reported from here on is for the next call
            try
            {
                var refused = await _applier.ApplyAsync(WithoutRefused(desired), change);
                foreach (var (key, reason) in refused) _refusedRoutes[key] = reason;
                return;
            }
            catch (InstanceRefusedException e) when (attempt < MaximumAttempts)
            {
                _refusedInstances[e.Number] = e.Message;
                change = null; // the attempt may have done a part
            }
        }
    }

    private OverlayConfig WithoutRefused(OverlayConfig desired) => _refusedInstances.Count == 0
        ? desired
        : new OverlayConfig { RoutingInstances = desired.RoutingInstances.Where(i => !_refusedInstances.ContainsKey(i.Key)).ToDictionary(), Routes = desired.Routes };

    private List<DataplaneRefusal> Refusals(OverlayConfig desired) =>
    [
        .. _refusedInstances.Where(r => desired.RoutingInstances.ContainsKey(r.Key)).Select(r => new DataplaneRefusal(new VirtualRouterItem.RoutingInstance(r.Key), r.Value)),
        .. _refusedRoutes.Where(r => desired.Routes.ContainsKey(r.Key)).Select(r => new DataplaneRefusal(new VirtualRouterItem.VpnRoute(r.Key), r.Value)),
    ];

    /// <summary>Refuses the RoutingInstances that cannot be, each by itself.</summary>
    private void Check(OverlayConfig desired)
    {
        var labels = new HashSet<uint>();
        foreach (var (number, label) in desired.RoutingInstances.OrderBy(i => i.Key))
        {
            if (Fault(number, label) is { } fault) _refusedInstances[number] = $"RoutingInstance {number}: {fault}";
        }

        string? Fault(int number, uint label)
        {
            if (number is < 1 or > OverlayNumbers.LastRoutingInstance) return $"numbers go from 1 to {OverlayNumbers.LastRoutingInstance}";
            if (!MplsLabel.IsUsable(label)) return $"label {label} is not one of {MplsLabel.First} to {MplsLabel.Last}";
            if (!labels.Add(label)) return $"another RoutingInstance has the label {label} too";
            var name = OverlayNumbers.Device(_table, number);
            return name.Length > OverlayNumbers.LongestDeviceName ? $"{name} is too long for the name of a device: choose a shorter --table" : null;
        }
    }

    private void Drifted(string what)
    {
        _unsettled = true;
        _drift.Writer.TryWrite(what);
    }
}
