using CN2.Network.Selection;

namespace CN2.Network.Tests.Selection;

public sealed class LabelSelectorTests
{
    [Theory]
    [InlineData("", "a=1", true)]
    [InlineData("", "", true)]
    [InlineData("a=1", "a=1", true)]
    [InlineData("a==1", "a=1,b=2", true)]
    [InlineData("a=1", "a=2", false)]
    [InlineData("a=1", "", false)]
    [InlineData("a=", "a=", true)]
    [InlineData("a!=1", "a=2", true)]
    [InlineData("a!=1", "", true)]
    [InlineData("a!=1", "a=1", false)]
    [InlineData("a in (1,2)", "a=2", true)]
    [InlineData("a in (1,2)", "a=3", false)]
    [InlineData("a in (1,2)", "", false)]
    [InlineData("a notin (1,2)", "a=3", true)]
    [InlineData("a notin (1,2)", "", true)]
    [InlineData("a notin (1,2)", "a=1", false)]
    [InlineData("a", "a=1", true)]
    [InlineData("a", "b=1", false)]
    [InlineData("!a", "b=1", true)]
    [InlineData("!a", "a=1", false)]
    [InlineData(" a = 1 , b in ( 2 , 3 ) ,! c ", "a=1,b=3", true)]
    [InlineData("a=1,b=2", "a=1", false)]
    [InlineData("in in (in)", "in=in", true)]
    [InlineData("service.contrail.juniper.net/externalNetwork=default-external", "service.contrail.juniper.net/externalNetwork=default-external", true)]
    public void Selectors_match_as_in_Kubernetes(string text, string labels, bool matches)
    {
        Assert.True(LabelSelector.TryParse(text, out var selector, out var error), error);
        Assert.Equal(matches, selector.Matches(Labels(labels)));
        Assert.True(LabelSelector.TryParse(selector.ToString(), out var again, out _));
        Assert.Equal(selector, again);
    }

    [Theory]
    [InlineData(",", 1)]
    [InlineData("a=1,", 5)]
    [InlineData("a=1,,b", 5)]
    [InlineData("=1", 1)]
    [InlineData("a!1", 3)]
    [InlineData("!a=1", 3)]
    [InlineData("a in", 5)]
    [InlineData("a in 1", 6)]
    [InlineData("a in ()", 7)]
    [InlineData("a in (1", 8)]
    [InlineData("a in (1,)", 9)]
    [InlineData("a in (1) b", 10)]
    [InlineData("a>1", 1)]
    [InlineData("a is b", 3)]
    [InlineData("a=1 b=2", 5)]
    [InlineData("a===1", 4)]
    [InlineData("-a", 1)]
    [InlineData("a=-", 3)]
    [InlineData("a/b/c=1", 1)]
    public void A_syntax_error_is_refused_with_its_place(string text, int place)
    {
        Assert.False(LabelSelector.TryParse(text, out _, out var error));
        Assert.Contains($"at character {place}:", error, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_selector_matches_everything_and_an_absent_one_nothing()
    {
        var labels = Labels("a=1");
        Assert.True(LabelSelector.Matches(LabelSelector.Make(null, null).Selector, labels));
        Assert.True(LabelSelector.Matches(LabelSelector.Everything, labels));
        Assert.False(LabelSelector.Matches(null, labels));
    }

    [Fact]
    public void Labels_and_expressions_must_all_hold()
    {
        var (selector, faults) = LabelSelector.Make(
            new Dictionary<string, string> { ["app"] = "web" },
            [new("tier", "In", ["b", "a", "b"]), new("old", "DoesNotExist", null), new("x", "Exists", []), new("y", "NotIn", ["1"])]);
        Assert.Empty(faults);
        Assert.Equal("app=web,tier in (a,b),!old,x,y!=1", selector!.ToString());
        Assert.True(selector.Matches(Labels("app=web,tier=a,x=1")));
        Assert.False(selector.Matches(Labels("app=web,tier=a,x=1,y=1")));
    }

    [Fact]
    public void All_faults_of_a_selector_are_named_at_once()
    {
        var (selector, faults) = LabelSelector.Make(
            new Dictionary<string, string> { ["-bad"] = "x", ["ok"] = "not ok" },
            [new("a", "Within", ["1"]), new("b", "In", []), new("c", "Exists", ["1"]), new(null, "In", ["-"])]);
        Assert.Null(selector);
        Assert.Equal(
            ["matchLabels", "matchLabels", "matchExpressions[0].operator", "matchExpressions[1].values", "matchExpressions[2].values", "matchExpressions[3].key", "matchExpressions[3].values[0]"],
            faults.Select(f => f.Member));
    }

    [Theory]
    [InlineData("app", true)]
    [InlineData("example.com/app", true)]
    [InlineData("a.b_c-D", true)]
    [InlineData("", false)]
    [InlineData("/a", false)]
    [InlineData("a/", false)]
    [InlineData("Example.com/a", false)]
    [InlineData("a..b/c", false)]
    [InlineData("_a", false)]
    [InlineData("a.", false)]
    [InlineData("a b", false)]
    public void Label_keys_follow_Kubernetes(string key, bool valid) => Assert.Equal(valid, NameSyntax.FaultOfLabelKey(key) is null);

    [Fact]
    public void Lengths_are_limited()
    {
        Assert.Null(NameSyntax.FaultOfLabelKey(new string('a', 63)));
        Assert.NotNull(NameSyntax.FaultOfLabelKey(new string('a', 64)));
        Assert.Null(NameSyntax.FaultOfLabelValue(""));
        Assert.Null(NameSyntax.FaultOfLabelValue(new string('a', 63)));
        Assert.NotNull(NameSyntax.FaultOfLabelValue(new string('a', 64)));
        Assert.Null(NameSyntax.FaultOfDnsLabel(new string('a', 63)));
        Assert.NotNull(NameSyntax.FaultOfDnsLabel(new string('a', 64)));
        Assert.NotNull(NameSyntax.FaultOfDnsSubdomain(new string('a', 254)));
        foreach (var wrong in new[] { null, "", "A", "-a", "a-", "a.b", "a_b", "ä" }) Assert.NotNull(NameSyntax.FaultOfDnsLabel(wrong));
        foreach (var right in new[] { "a", "0", "a-b", "my-service" }) Assert.Null(NameSyntax.FaultOfDnsLabel(right));
        foreach (var right in new[] { "a.b", "a" }) Assert.Null(NameSyntax.FaultOfDnsSubdomain(right));
        foreach (var wrong in new[] { "a..b", ".a", "a." }) Assert.NotNull(NameSyntax.FaultOfDnsSubdomain(wrong));
    }

    private static Dictionary<string, string> Labels(string text) => text.Split(',', StringSplitOptions.RemoveEmptyEntries)
        .Select(p => p.Split('='))
        .ToDictionary(p => p[0], p => p[1]);
}
