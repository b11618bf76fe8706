using System.ComponentModel;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using CN2.Network.Addressing;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Overlay.Forwarding;
using CN2.VRouter.Overlay.Kernel;
using CN2.VRouter.Overlay.Model;
using CN2.VRouter.Overlay.Plumbing;

namespace CN2.VRouter.Overlay;

/// <summary>
/// Devices, routes and rules of the RoutingInstances, and <see cref="ITunnels"/> behind the devices. Nothing is made before the first
/// RoutingInstance. Everything lives in the network namespace of the thread that calls.
/// </summary>
/// <remarks>
/// The rules stay when the process ends, so that what belongs into a VPN meets "unreachable" and not the underlay where no tunnels are.
/// </remarks>
public sealed partial class OverlayEngine : IOverlayEngine
{
    private readonly string _table;
    private readonly IPAddress _address;
    private readonly ITunnels _tunnels;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly Channel<string> _drift = Channel.CreateBounded<string>(new BoundedChannelOptions(64) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Dictionary<int, RoutingInstanceState> _instances = [];
    private readonly List<(IInstanceDevice Device, int Number)> _retired = [];
    private OverlayPlumbing? _plumbing;
    private volatile bool _unsettled = true;
    private bool _kernelTunnelsMayBeLeft;
    private bool _disposed;

    /// <param name="table">Names the devices, <c>table-number</c>.</param>
    /// <param name="address">The node's IPv4 address: the tunnels' near end.</param>
    /// <param name="choice">Which tunnels; <see cref="OverlayChoice.Auto"/>: the kernel's where it can do MPLS.</param>
    public OverlayEngine(string table, IPAddress address, OverlayChoice choice, ILogger<OverlayEngine> logger)
    {
        if (address.AddressFamily != AddressFamily.InterNetwork) throw new ArgumentException("tunnels end at an IPv4 address", nameof(address));
        _table = table;
        _address = address;
        _logger = logger;
        var kernel = KernelMpls.Detect();
        if (choice == OverlayChoice.Kernel && !kernel.Usable) throw new DataplaneException($"--overlay kernel: {kernel}; load the modules, or let the agent choose");
        _tunnels = choice != OverlayChoice.Userspace && kernel.Usable ? new KernelTunnels(table, address, Drifted) : new UserspaceTunnels(address, $"{kernel}");
        _kernelTunnelsMayBeLeft = _tunnels is UserspaceTunnels;
    }

    public string Name => _tunnels.Name;

    public string? Notice => _tunnels.Notice;

    public ChannelReader<string> Drift => _drift.Reader;

    public OverlayCounters Counters => _tunnels.Counters;

    internal long AllocatedBytes => _tunnels.AllocatedBytes;

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

    public async Task ApplyAsync(OverlayConfig desired, OverlayChange? change, CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_unsettled) change = null;
            if (change is { IsEmpty: true }) return;
            Check(desired);
            _unsettled = false; // what drifts from here on is for the next call
            var step = new OverlayStep(change is null, _tunnels.NewInstance);
            step.Plan(_instances, desired, change);
            await ApplyAsync(step);
        }
        catch (Exception e)
        {
            _unsettled = true;
            if (e is Win32Exception or TimeoutException) throw new DataplaneException(e.Message, e);
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
            _plumbing?.Dispose();
            await _tunnels.DisposeAsync();
            foreach (var device in _instances.Values.Select(i => i.Device).Concat(_retired.Select(r => r.Device))) device?.Dispose();
            _drift.Writer.TryComplete();
        }
        finally
        {
            _turn.Release();
        }
    }

    // First what brings packets to the new state, then the new state, then what is left of the old one.
    private async Task ApplyAsync(OverlayStep step)
    {
        var plumbing = _plumbing ??= new OverlayPlumbing(_table, _address, Drifted);
        foreach (var gone in step.Gone)
        {
            if (gone.Device is { } device) Retire(device, gone.Number);
        }

        if (_instances.Count > 0) await SetUpDevicesAsync(plumbing, step);
        var stale = plumbing.Add(step, _instances.Values);
        plumbing.Commit();
        await _tunnels.PublishAsync(step, _instances.Values);
        plumbing.Remove(stale);
        plumbing.Commit();
        foreach (var (device, number) in _retired)
        {
            device.Dispose();
            LogGone(device.Name, number);
        }

        _retired.Clear();
        await _tunnels.LetGoAsync(step);
    }

    private async Task SetUpDevicesAsync(OverlayPlumbing plumbing, OverlayStep step)
    {
        if (!step.Whole && step.New.Count == 0) return;
        if (_kernelTunnelsMayBeLeft)
        {
            // An earlier agent may have used the kernel's tunnels: they would still take packets and hold the UDP port.
            await KernelTunnels.FlushAsync(_table);
            _kernelTunnelsMayBeLeft = false;
        }

        await _tunnels.OpenAsync(step.Whole);
        var resized = plumbing.ReadUnderlay();
        var changed = new List<RoutingInstanceState>();
        foreach (var instance in step.Whole ? _instances.Values : (IEnumerable<RoutingInstanceState>)step.New)
        {
            if (instance.Device is { } device && plumbing.IsThere(device))
            {
                if (resized || !plumbing.IsSetUp(device)) changed.Add(instance);
                continue;
            }

            if (instance.Device is { } lost) Retire(lost, instance.Number);
            instance.Device = null;
            instance.Device = await MakeAsync(OverlayNumbers.Device(_table, instance.Number), instance.Number);
            changed.Add(instance);
            LogMade(instance.Device.Name, instance.Number, instance.Label);
        }

        foreach (var instance in changed) plumbing.SetUp(instance);
        plumbing.Commit();
    }

    private async Task<IInstanceDevice> MakeAsync(string name, int number)
    {
        var device = await _tunnels.MakeAsync(name, number);
        try
        {
            DeviceSysctls.BeforeUp(name);
            return device;
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }

    private void Retire(IInstanceDevice device, int number)
    {
        _plumbing?.Forget(device, OverlayNumbers.RoutingTable(number));
        _tunnels.Forget(device);
        _retired.Add((device, number));
    }

    private void Check(OverlayConfig desired)
    {
        var labels = new HashSet<uint>();
        foreach (var (number, label) in desired.RoutingInstances)
        {
            if (number is < 1 or > OverlayNumbers.LastRoutingInstance) throw new DataplaneException($"RoutingInstance {number}: numbers go from 1 to {OverlayNumbers.LastRoutingInstance}");
            if (!MplsLabel.IsUsable(label)) throw new DataplaneException($"RoutingInstance {number}: label {label} is not one of {MplsLabel.First} to {MplsLabel.Last}");
            if (!labels.Add(label)) throw new DataplaneException($"RoutingInstance {number}: label {label} is another's too");
            var name = OverlayNumbers.Device(_table, number);
            if (name.Length > OverlayNumbers.LongestDeviceName) throw new DataplaneException($"RoutingInstance {number}: {name} is too long for a device's name: choose a shorter --table");
        }
    }

    private void Drifted(string what)
    {
        _unsettled = true;
        _drift.Writer.TryWrite(what);
    }

    [LoggerMessage(1, LogLevel.Information, "Device {Device} carries RoutingInstance {Number}, label {Label}.")]
    private partial void LogMade(string device, int number, uint label);

    [LoggerMessage(2, LogLevel.Information, "Device {Device} of RoutingInstance {Number} is gone.")]
    private partial void LogGone(string device, int number);
}
