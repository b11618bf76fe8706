using CN2.VRouter.Nft;

namespace CN2.VRouter.Tests.Nft;

public sealed class NftProcessTests
{
    [Theory]
    [InlineData("-:3:1-5: Error: No such file or directory; did you mean table ‘x’?\nadd element\n^^^^\n", "nft refused: -:3:1-5: Error: No such file or directory; did you mean table ‘x’?")]
    [InlineData("Error: Could not process rule: Operation not permitted\n", "nft may not change the tables: CAP_NET_ADMIN is missing in this network namespace")]
    [InlineData("", "nft ended with code 1")]
    public void The_first_error_is_reported_in_one_line(string errors, string expected) =>
        Assert.Equal(expected, NftProcess.Explain(errors, 1));
}
