using System.ComponentModel;
using System.Net;
using CN2.Network.Overlay;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Overlay.Model;
using CN2.VRouter.Overlay.Plumbing;

namespace CN2.VRouter.Overlay;

/// <inheritdoc/>
/// <param name="table">The devices are named <c>table-number</c>.</param>
/// <param name="address">The node's IPv4 address: the near end of the tunnels.</param>
/// <param name="removeOtherTunnels">Called before the first device is made: removes what another kind of tunnels left on the node.</param>
internal sealed partial class OverlayApplier<TInstance>(
    string table, IPAddress address, ITunnels<TInstance> tunnels, Func<Task> removeOtherTunnels, Action<string> drift, ILogger logger) : IOverlayApplier
    where TInstance : RoutingInstanceState
{
    private readonly ILogger _logger = logger;
    private readonly Dictionary<int, TInstance> _instances = [];
    private readonly List<(IInstanceDevice Device, int Number)> _retired = [];
    private OverlayPlumbing? _plumbing;
    private bool _otherTunnelsRemoved;

    public string Name => tunnels.Name;

    public string? Notice => tunnels.Notice;

    public OverlayCounters Counters => tunnels.Counters;

    public long AllocatedBytes => tunnels.AllocatedBytes;

    // Order: add what packets of the new state need, publish the new state, remove what only the old state needed.
    public async Task<IReadOnlyDictionary<VpnRouteKey, string>> ApplyAsync(OverlayConfig desired, OverlayChange? change)
    {
        var step = new OverlayStep<TInstance>(change, tunnels.NewInstance);
        step.Plan(_instances, desired);
        var plumbing = _plumbing ??= new OverlayPlumbing(table, address, drift);
        foreach (var gone in step.Gone) Retire(gone);
        if (_instances.Count > 0) await SetUpDevicesAsync(plumbing, step);
        var stale = plumbing.Add(step, _instances.Values);
        plumbing.Commit();
        await tunnels.PublishAsync(step, _instances.Values);
        plumbing.Remove(stale);
        plumbing.Remove(new StalePlumbing([], TakeBack(step.Refused.Keys)));
        plumbing.Commit();
        foreach (var (device, number) in _retired)
        {
            device.Dispose();
            LogGone(device.Name, number);
        }

        _retired.Clear();
        await tunnels.RemoveStaleAsync(step);
        return step.Refused;
    }

    public async ValueTask DisposeAsync()
    {
        _plumbing?.Dispose();
        await tunnels.DisposeAsync();
        foreach (var device in _instances.Values.Select(i => i.Device).Concat(_retired.Select(r => r.Device))) device?.Dispose();
    }

    private async Task SetUpDevicesAsync(OverlayPlumbing plumbing, OverlayStep<TInstance> step)
    {
        if (!step.Whole && step.New.Count == 0) return;
        if (!_otherTunnelsRemoved) await removeOtherTunnels();
        _otherTunnelsRemoved = true;
        await tunnels.OpenAsync(step.Whole);
        var resized = plumbing.ReadUnderlay();
        var changed = new List<TInstance>();
        foreach (var instance in step.Whole ? _instances.Values : (IEnumerable<TInstance>)step.New)
        {
            if (instance.Device is { } device && plumbing.IsThere(device))
            {
                if (resized || !plumbing.IsSetUp(device)) changed.Add(instance);
                continue;
            }

            Retire(instance);
            var name = OverlayNumbers.Device(table, instance.Number);
            try
            {
                await tunnels.MakeDeviceAsync(instance, name);
                DeviceSysctls.BeforeUp(name);
            }
            catch (Exception e) when (e is DataplaneException or Win32Exception or IOException)
            {
                throw new InstanceRefusedException(instance.Number, e);
            }

            changed.Add(instance);
            LogMade(name, instance.Number, instance.Label);
        }

        foreach (var instance in changed) plumbing.SetUp(instance.Device!, instance.Table);
        plumbing.Commit();
    }

    /// <summary>A route that was refused is as if it had never been there: a later step that names it tries again.</summary>
    private List<(RoutingInstanceState Instance, IPNetwork Prefix)> TakeBack(IEnumerable<VpnRouteKey> refused)
    {
        var routes = new List<(RoutingInstanceState, IPNetwork)>();
        foreach (var key in refused)
        {
            if (!_instances.TryGetValue(key.RoutingInstance, out var instance)) continue;
            instance.Set(key.Prefix, null);
            routes.Add((instance, key.Prefix));
        }

        return routes;
    }

    private void Retire(TInstance instance)
    {
        if (instance.Device is not { } device) return;
        _plumbing?.Forget(device, instance.Table);
        tunnels.ForgetDevice(instance);
        _retired.Add((device, instance.Number));
    }

    [LoggerMessage(4, LogLevel.Information, "Device {Device} carries RoutingInstance {Number}, label {Label}.")]
    private partial void LogMade(string device, int number, uint label);

    [LoggerMessage(5, LogLevel.Information, "Device {Device} of RoutingInstance {Number} is gone.")]
    private partial void LogGone(string device, int number);
}
