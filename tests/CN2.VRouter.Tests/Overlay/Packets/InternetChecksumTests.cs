using CN2.VRouter.Overlay.Packets;

namespace CN2.VRouter.Tests.Overlay.Packets;

public sealed class InternetChecksumTests
{
    [Theory]
    [InlineData("", 0xffff)]
    [InlineData("0001f203f4f5f6f7", 0x220d)] // the numbers of RFC 1071 3: sum ddf2
    [InlineData("0001f203f4f5f6", 0x2304)]
    [InlineData("01", 0xfeff)]
    [InlineData("ffffffffffff", 0)]
    public void The_checksum_follows_RFC_1071(string data, int checksum) => Assert.Equal(checksum, InternetChecksum.Of(Bytes.Of(data)));
}
