using System.Buffers.Binary;
using CN2.Network.Addressing;
using CN2.VRouter.Overlay.Packets;

namespace CN2.VRouter.Tests.Overlay.Packets;

public sealed class LabelStackEntryTests
{
    [Theory]
    [InlineData("00015140", 21u, 0, true, 64)]
    [InlineData("00010140", 16u, 0, true, 64)]
    [InlineData("00000000", 0u, 0, false, 0)]
    [InlineData("ffffffff", 0xfffffu, 7, true, 255)]
    [InlineData("10017b01", 65559u, 5, true, 1)]
    [InlineData("0001 5a 02", 21u, 5, false, 2)]
    public void An_entry_has_the_layout_of_RFC_3032(string hex, uint label, int trafficClass, bool bottom, byte ttl)
    {
        var entry = BinaryPrimitives.ReadUInt32BigEndian(Bytes.Of(hex));
        Assert.Equal(entry, LabelStackEntry.Of(label, trafficClass, bottom, ttl));
        Assert.Equal((label, bottom, ttl), (LabelStackEntry.LabelOf(entry), LabelStackEntry.IsBottom(entry), LabelStackEntry.TtlOf(entry)));
    }

    [Theory]
    [InlineData(0u, false)]
    [InlineData(3u, false)]
    [InlineData(15u, false)]
    [InlineData(16u, true)]
    [InlineData(1048575u, true)]
    [InlineData(1048576u, false)]
    public void Reserved_labels_are_not_usable(uint label, bool usable) => Assert.Equal(usable, MplsLabel.IsUsable(label));
}
