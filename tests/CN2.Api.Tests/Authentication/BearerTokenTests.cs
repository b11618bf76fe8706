using CN2.Api.Authentication;
using Microsoft.Extensions.Primitives;

namespace CN2.Api.Tests.Authentication;

/// <summary>What is taken for a bearer token.</summary>
public sealed class BearerTokenTests
{
    [Theory]
    [InlineData("Bearer abc", "abc")]
    [InlineData("bearer abc", "abc")]
    [InlineData("BEARER  a.b-c_d~e+f/g== ", "a.b-c_d~e+f/g==")]
    public void A_token_is_read(string header, string token) => Assert.Equal((token, null), BearerToken.Read(header));

    [Fact]
    public void No_header_is_neither_a_token_nor_a_fault() => Assert.Equal((null, null), BearerToken.Read(StringValues.Empty));

    [Theory]
    [InlineData("", "the Authorization header is not of the scheme Bearer")]
    [InlineData("Basic YWxpY2U6c2VjcmV0", "the Authorization header is not of the scheme Bearer")]
    [InlineData("BearerX abc", "the Authorization header is not of the scheme Bearer")]
    [InlineData("Bearer", "the Authorization header has no token")]
    [InlineData("Bearer   ", "the Authorization header has no token")]
    [InlineData("Bearer a b", "the token has characters that no token can have")]
    [InlineData("Bearer a,b", "the token has characters that no token can have")]
    [InlineData("Bearer a\u0007b", "the token has characters that no token can have")]
    [InlineData("Bearer ä", "the token has characters that no token can have")]
    [InlineData("Bearer \"a\"", "the token has characters that no token can have")]
    public void What_is_no_token_is_a_fault(string header, string fault) => Assert.Equal((null, fault), BearerToken.Read(header));

    [Fact]
    public void Several_headers_are_a_fault_even_when_they_are_the_same() =>
        Assert.Equal((null, "there are several Authorization headers"), BearerToken.Read(new StringValues(["Bearer a", "Bearer a"])));

    [Theory]
    [InlineData(16 * 1024, true)]
    [InlineData((16 * 1024) + 1, false)]
    public void A_header_has_16_KiB_at_most(int length, bool taken) =>
        Assert.Equal(taken ? null : "the Authorization header is longer than 16 KiB", BearerToken.Read("Bearer " + new string('a', length - 7)).Fault);
}
