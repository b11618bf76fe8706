using System.Net;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Host;
using CN2.VRouter.Overlay.Model;
using CN2.VRouter.Overlay.Native;

namespace CN2.VRouter.Overlay.Forwarding;

/// <summary>
/// Tunnels of this process, for kernels without MPLS: TUN devices, and threads that forward between them and the underlay. The devices
/// disappear with the process.
/// </summary>
/// <param name="address">The node's IPv4 address: the near end of the tunnels.</param>
/// <param name="reason">Why the kernel's tunnels are not used, for the operator.</param>
internal sealed class UserspaceTunnels(IPAddress address, string reason) : ITunnels<UserspaceInstance>
{
    private const int Attempts = 10;
    private static readonly TimeSpan BetweenAttempts = TimeSpan.FromMilliseconds(50);

    private OverlayForwarder? _forwarder;
    private ForwardingInstance[] _published = [];

    public string Name => "userspace";

    public string Notice { get; } = $"VPN packets are forwarded by the agent itself (user space; {reason}): they stop while the agent is stopped.";

    public OverlayCounters Counters
    {
        get
        {
            var instances = Volatile.Read(ref _published).ToDictionary(i => i.Number, i => i.Counters.Read());
            return _forwarder is { } forwarder
                ? new OverlayCounters(instances, forwarder.UnknownLabel, forwarder.UnknownSource, forwarder.Malformed, forwarder.TtlExpired, forwarder.Oversize, forwarder.SendErrors)
                : OverlayCounters.None;
        }
    }

    public long AllocatedBytes => _forwarder?.AllocatedBytes ?? 0;

    public UserspaceInstance NewInstance(int number) => new UserspaceInstance(number);

    public async Task OpenAsync(bool whole)
    {
        for (var attempt = 1; _forwarder is null; attempt++)
        {
            try
            {
                _forwarder = new OverlayForwarder(address);
            }
            catch (PosixException e) when (e.NativeErrorCode == Posix.AddressInUse && attempt < Attempts)
            {
                // A child process of the earlier owner holds copies of its sockets between fork and exec, for some milliseconds.
                await Task.Delay(BetweenAttempts);
            }
        }
    }

    public Task MakeDeviceAsync(UserspaceInstance instance, string name)
    {
        try
        {
            instance.Use(new TunDevice(name));
            return Task.CompletedTask;
        }
        catch (PosixException e)
        {
            throw new DataplaneException($"{e.Message}; is there another device of that name, or is /dev/net/tun missing?", e);
        }
    }

    public void ForgetDevice(UserspaceInstance instance)
    {
        if (instance.Device is { } device) _forwarder?.Forget(device);
        instance.Use(null);
    }

    public async Task PublishAsync(OverlayStep<UserspaceInstance> step, IReadOnlyCollection<UserspaceInstance> instances)
    {
        if (_forwarder is not { } forwarder) return;
        ForwardingInstance[] published = [.. instances.Select(i => i.Publish())];
        await forwarder.ReplaceAsync(new ForwardingTables(published));
        Volatile.Write(ref _published, published);
        foreach (var instance in step.Whole ? instances : step.New) forwarder.Watch(instance.Number, instance.Device!);
    }

    public Task RemoveStaleAsync(OverlayStep<UserspaceInstance> step) => Task.CompletedTask;

    public ValueTask DisposeAsync()
    {
        _forwarder?.Dispose();
        return ValueTask.CompletedTask;
    }
}
