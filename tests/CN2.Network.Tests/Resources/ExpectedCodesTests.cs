using CN2.Network.Resources;

namespace CN2.Network.Tests.Resources;

public sealed class ExpectedCodesTests
{
    [Theory]
    [InlineData("200", "200")]
    [InlineData("200-299,304", "200-299,304")]
    [InlineData(" 200-299 , 304 ", "200-299,304")]
    [InlineData("100-599", "100-599")]
    [InlineData("404-404", "404")]
    public void Codes_and_ranges_are_read_and_written_back(string text, string canonical)
    {
        Assert.True(ExpectedCodes.TryParse(text, out var codes, out var error), error);
        Assert.Equal(canonical, codes.ToString());
        Assert.True(ExpectedCodes.TryParse(canonical, out var again, out _));
        Assert.Equal(codes, again);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("2xx")]
    [InlineData("99")]
    [InlineData("600")]
    [InlineData("0200")]
    [InlineData("299-200")]
    [InlineData("200-")]
    [InlineData("-200")]
    [InlineData("200-250-299")]
    [InlineData("200 - 299")]
    [InlineData("200,,204")]
    public void Other_texts_are_refused_with_a_sentence(string? text)
    {
        Assert.False(ExpectedCodes.TryParse(text, out _, out var error));
        Assert.EndsWith(".", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Both_ends_of_a_range_are_in_it()
    {
        Assert.True(ExpectedCodes.TryParse("200-204,301", out var codes, out _));
        Assert.Equal([200, 201, 202, 203, 204, 301], Enumerable.Range(100, 500).Where(codes.Contains));
    }
}
