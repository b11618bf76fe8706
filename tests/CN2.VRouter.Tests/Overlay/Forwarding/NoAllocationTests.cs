using CN2.VRouter.Overlay.Forwarding;
using CN2.VRouter.Overlay.Packets;

namespace CN2.VRouter.Tests.Overlay.Forwarding;

/// <summary>Neither the decision about a packet nor the I/O around it allocates managed memory.</summary>
public sealed class NoAllocationTests
{
    [Fact]
    public void A_packet_in_allocates_no_memory()
    {
        var tables = ForwardingSamples.Tables();
        byte[][] packets =
        [
            Bytes.Labelled(21, Bytes.Packet("203.0.113.1", "10.1.1.2", payload: "0102")),
            Bytes.Labelled(23, Bytes.Packet("fd00:c::1", "fd00:1:1::2", payload: "0102")),
            Bytes.Labelled(22, Bytes.Packet("203.0.113.1", "10.1.1.2")),
            Bytes.Of("00"),
        ];
        Assert.Equal(0, Allocated(() =>
        {
            foreach (var packet in packets)
            {
                _ = MplsInGre.LabelStackOffset(packet);
                _ = Decapsulation.Decide(tables, ForwardingSamples.Router1, packet, out _);
            }
        }));
    }

    [Fact]
    public void A_packet_out_allocates_no_memory()
    {
        var instance = ForwardingSamples.Instance(5, 21, "172.16.0.2", "172.16.0.3", "172.16.0.4");
        byte[][] buffers =
        [
            [.. new byte[Encapsulation.HeadRoom], .. Bytes.Packet("10.1.1.2", "203.0.113.1", 6, "c0000050")],
            [.. new byte[Encapsulation.HeadRoom], .. Bytes.Packet("fd00:1:1::2", "fd00:c::1", 17, "c0000050")],
            [.. new byte[Encapsulation.HeadRoom], .. Bytes.Packet("10.1.1.2", "192.0.2.1")],
        ];
        Assert.Equal(0, Allocated(() =>
        {
            foreach (var buffer in buffers) _ = Encapsulation.Decide(instance, buffer, out _, out _, out _);
        }));
    }

    private static long Allocated(Action work)
    {
        work();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++) work();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
