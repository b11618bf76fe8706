using CN2.VRouter.Overlay.Native;
using CN2.VRouter.Overlay.Packets;

namespace CN2.VRouter.Overlay.Forwarding;

/// <summary>
/// Moves packets from the devices into the tunnels. One thread, one device and one path for a flow, and sockets that send in the order of
/// reading: so the packets of a flow keep their order.
/// </summary>
internal sealed class OutwardLoop : IDisposable
{
    private const int BatchLength = 64;

    private readonly EventLoop _events = new();
    private readonly PacketPool _pool = new(BatchLength);
    private readonly SendBatch _udpBatch;
    private readonly SendBatch _greBatch;
    private readonly TunnelSocket _udp;
    private readonly TunnelSocket _gre;

    public OutwardLoop(TunnelSocket udp, TunnelSocket gre, uint source)
    {
        _udpBatch = new SendBatch(_pool, source);
        _greBatch = new SendBatch(_pool, source);
        _udp = udp;
        _gre = gre;
    }

    public DropCounters Drops;

    /// <summary>Bytes that this thread had allocated on the managed heap when it last took over tables.</summary>
    public long AllocatedBytes { get; private set; }

    public void WakeUp() => _events.WakeUp();

    /// <summary>Callable from any thread. The key is the number of the RoutingInstance; its device is looked up in the tables when packets arrive.</summary>
    public void Watch(int routingInstance, TunDevice device) => _events.Watch(device.Descriptor, routingInstance);

    public void Forget(TunDevice device) => _events.Forget(device.Descriptor);

    /// <summary>Runs until <paramref name="current"/> returns null.</summary>
    public void Run(Func<Handover?> current)
    {
        Handover? mine = null;
        while (current() is { } newest)
        {
            if (!ReferenceEquals(newest, mine))
            {
                mine = newest;
                AllocatedBytes = GC.GetAllocatedBytesForCurrentThread();
                mine.Taken();
            }

            var ready = _events.Wait();
            var slot = 0;
            for (var i = 0; i < ready; i++)
            {
                var number = _events.Key(i);
                if (number == EventLoop.Wake || mine.Tables.OfNumber(number) is not { Device: { } device } instance) continue;
                slot = Drain(instance, device, slot);
            }

            Flush();
        }
    }

    public void Dispose()
    {
        _udpBatch.Dispose();
        _greBatch.Dispose();
        _pool.Dispose();
        _events.Dispose();
    }

    // At most one batch from each device, so that a busy device leaves room for the others.
    private int Drain(ForwardingInstance instance, TunDevice device, int slot)
    {
        for (var i = 0; i < BatchLength; i++)
        {
            if (slot == BatchLength)
            {
                Flush();
                slot = 0;
            }

            var length = device.Read(_pool.Slot(slot)[Encapsulation.HeadRoom..]);
            if (length <= 0)
            {
                // Another process removed the device. It must leave the set, or it would be ready for ever. PlumbingMonitor reports the removal.
                if (length < 0) Forget(device);
                break;
            }

            if (Queue(instance, slot, length)) slot++;
        }

        return slot;
    }

    private bool Queue(ForwardingInstance instance, int slot, int length)
    {
        var buffer = _pool.Slot(slot)[..(Encapsulation.HeadRoom + length)];
        var verdict = Encapsulation.Decide(instance, buffer, out var path, out var start, out var typeOfService);
        if (verdict != Verdict.Forward)
        {
            if (verdict == Verdict.NoRoute) instance.Counters.Out.NoRoute++;
            else Drops.Count(verdict);
            return false;
        }

        (path.Udp ? _udpBatch : _greBatch).Add(slot, start, buffer.Length - start, path.NextHop, typeOfService);
        instance.Counters.Out.Packets++;
        instance.Counters.Out.Bytes += length;
        return true;
    }

    private void Flush()
    {
        if (_udpBatch.Count > 0) _udpBatch.Send(_udp.Descriptor, ref Drops.Oversize, ref Drops.SendErrors);
        if (_greBatch.Count > 0) _greBatch.Send(_gre.Descriptor, ref Drops.Oversize, ref Drops.SendErrors);
    }
}
