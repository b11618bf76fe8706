using System.Net;
using CN2.VRouter.Host;
using CN2.VRouter.Overlay.Native;
using CN2.VRouter.Overlay.Packets;

namespace CN2.VRouter.Overlay.Forwarding;

/// <summary>
/// The packet path in user space: two threads, one for each direction, and the sockets towards the underlay. They are in the network
/// namespace of the thread that makes it.
/// </summary>
internal sealed class OverlayForwarder : IDisposable
{
    private const int Threads = 2;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly TunnelSocket _udpIn;
    private readonly TunnelSocket _udpOut;
    private readonly TunnelSocket _gre;
    private readonly InwardLoop _inward;
    private readonly OutwardLoop _outward;
    private readonly Thread[] _threads;
    private Handover? _current = new(ForwardingTables.Empty, Threads);

    /// <exception cref="PosixException">The node does not have the address, the port is in use, or a privilege is missing.</exception>
    public OverlayForwarder(IPAddress address)
    {
        var source = (uint)(AddressKey.Of(address).High >> 32);
        _udpIn = TunnelSocket.UdpIn(source);
        try
        {
            _gre = TunnelSocket.Gre(source);
            _udpOut = TunnelSocket.UdpOut();
        }
        catch
        {
            _gre?.Dispose();
            _udpIn.Dispose();
            throw;
        }

        _inward = new InwardLoop(_udpIn, _gre);
        _outward = new OutwardLoop(_udpOut, _gre, source);
        _threads = [Start("overlay in", () => _inward.Run(Current)), Start("overlay out", () => _outward.Run(Current))];
    }

    public long UnknownLabel => Read(ref _inward.Drops.UnknownLabel, ref _outward.Drops.UnknownLabel);

    public long UnknownSource => Read(ref _inward.Drops.UnknownSource, ref _outward.Drops.UnknownSource);

    public long Malformed => Read(ref _inward.Drops.Malformed, ref _outward.Drops.Malformed);

    public long TtlExpired => Read(ref _inward.Drops.TtlExpired, ref _outward.Drops.TtlExpired);

    public long Oversize => Read(ref _inward.Drops.Oversize, ref _outward.Drops.Oversize);

    public long SendErrors => Read(ref _inward.Drops.SendErrors, ref _outward.Drops.SendErrors);

    /// <summary>Bytes that both threads had allocated on the managed heap when they last took over tables. Packets allocate nothing.</summary>
    public long AllocatedBytes => _inward.AllocatedBytes + _outward.AllocatedBytes;

    /// <summary>Starts to read packets from the device. Call it after <see cref="ReplaceAsync"/> with tables that contain the device.</summary>
    public void Watch(int routingInstance, TunDevice device) => _outward.Watch(routingInstance, device);

    /// <summary>Stops to read packets from the device. It may be closed after <see cref="ReplaceAsync"/> with tables without it.</summary>
    public void Forget(TunDevice device) => _outward.Forget(device);

    /// <summary>Returns when no thread uses the tables before any more. One call at a time.</summary>
    public async Task ReplaceAsync(ForwardingTables tables)
    {
        var next = new Handover(tables, Threads);
        Volatile.Write(ref _current, next);
        _inward.WakeUp();
        _outward.WakeUp();
        await next.Done.WaitAsync(Patience);
    }

    public void Dispose()
    {
        Volatile.Write(ref _current, null);
        _inward.WakeUp();
        _outward.WakeUp();
        foreach (var thread in _threads) thread.Join();
        _inward.Dispose();
        _outward.Dispose();
        _udpIn.Dispose();
        _udpOut.Dispose();
        _gre.Dispose();
    }

    private Handover? Current() => Volatile.Read(ref _current);

    private static long Read(ref long one, ref long other) => Volatile.Read(ref one) + Volatile.Read(ref other);

    private static Thread Start(string name, ThreadStart work)
    {
        var thread = new Thread(work) { IsBackground = true, Name = name };
        thread.Start();
        return thread;
    }
}
