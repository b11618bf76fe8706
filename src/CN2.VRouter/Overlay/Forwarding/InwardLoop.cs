using CN2.VRouter.Overlay.Native;
using CN2.VRouter.Overlay.Packets;

namespace CN2.VRouter.Overlay.Forwarding;

/// <summary>Moves packets from the tunnels to the devices. One thread, so the packets of a flow keep their order.</summary>
internal sealed class InwardLoop : IDisposable
{
    private const int Udp = 1;
    private const int Gre = 2;
    private const int BatchLength = 64;

    // Consecutive batches of one socket before the other socket gets its turn.
    private const int MostBatches = 8;

    private readonly EventLoop _events = new();
    private readonly PacketPool _pool = new(BatchLength);
    private readonly ReceiveBatch _batch;
    private readonly TunnelSocket _udp;
    private readonly TunnelSocket _gre;

    public InwardLoop(TunnelSocket udp, TunnelSocket gre)
    {
        _batch = new ReceiveBatch(_pool);
        _udp = udp;
        _gre = gre;
        _events.Watch(udp.Descriptor, Udp);
        _events.Watch(gre.Descriptor, Gre);
    }

    public DropCounters Drops;

    /// <summary>Bytes that this thread had allocated on the managed heap when it last took over tables.</summary>
    public long AllocatedBytes { get; private set; }

    public void WakeUp() => _events.WakeUp();

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
            for (var i = 0; i < ready; i++)
            {
                switch (_events.Key(i))
                {
                    case Udp: Drain(mine.Tables, _udp.Descriptor, gre: false); break;
                    case Gre: Drain(mine.Tables, _gre.Descriptor, gre: true); break;
                }
            }
        }
    }

    public void Dispose()
    {
        _batch.Dispose();
        _pool.Dispose();
        _events.Dispose();
    }

    private void Drain(ForwardingTables tables, int descriptor, bool gre)
    {
        for (var round = 0; round < MostBatches; round++)
        {
            var count = _batch.Receive(descriptor);
            for (var i = 0; i < count; i++) Deliver(tables, i, gre);
            if (count < BatchLength) return;
        }
    }

    private void Deliver(ForwardingTables tables, int index, bool gre)
    {
        if (_batch.IsTruncated(index))
        {
            Drops.Oversize++;
            return;
        }

        var labelled = _batch.Datagram(index);
        if (gre)
        {
            var stack = MplsInGre.LabelStackOffset(labelled);
            if (stack < 0)
            {
                Drops.Malformed++;
                return;
            }

            labelled = labelled[stack..];
        }

        var verdict = Decapsulation.Decide(tables, _batch.Source(index), labelled, out var instance);
        if (verdict != Verdict.Forward)
        {
            Drops.Count(verdict);
            return;
        }

        var packet = labelled[LabelStackEntry.Length..];
        if (instance!.Device?.Write(packet) != true)
        {
            Drops.SendErrors++;
            return;
        }

        instance.Counters.In.Packets++;
        instance.Counters.In.Bytes += packet.Length;
    }
}
