using CN2.Network.Addressing;
using CN2.VRouter.Inspection;

namespace CN2.VRouter.Tests.Inspection;

public sealed class NftRuleReaderTests
{
    private const string NewFlow = """{"match":{"op":"in","left":{"ct":{"key":"state"}},"right":"new"}}""";

    [Theory]
    [InlineData("\"jump { drop; }\"")] // nft 1.0 has no JSON for a chain without a name
    [InlineData("7")]
    public void A_statement_that_is_no_object_makes_the_rule_unknown(string statement) =>
        Assert.Equal(RuleVerdict.Unknown, Read($"{NewFlow},{statement},{{\"drop\":null}}").Verdict);

    [Theory]
    [InlineData("""{"set":{"op":"update","elem":{"payload":{"protocol":"ip","field":"saddr"}},"set":"@flood","stmt":[{"limit":{"rate":100,"per":"second","inv":true}}]}}""")]
    [InlineData("""{"meter":{"key":{"payload":{"protocol":"ip","field":"saddr"}},"stmt":{"limit":{"rate":100,"per":"second"}},"size":100,"name":"flood"}}""")]
    [InlineData("""{"limit":{"rate":100,"per":"second","inv":true}}""")]
    [InlineData("""{"statement of a later nft":{}}""")]
    public void A_limit_before_a_drop_is_a_condition(string statement)
    {
        var rule = Read($"{NewFlow},{statement},{{\"drop\":null}}");
        Assert.Equal((RuleMatch.Maybe, RuleVerdict.Drop), (rule.Match, rule.Verdict));
    }

    [Fact]
    public void Counters_and_logs_are_no_condition()
    {
        var rule = Read(NewFlow + """,{"counter":{"packets":1,"bytes":2}},{"log":{"prefix":"x"}},{"drop":null}""");
        Assert.Equal((RuleMatch.Always, RuleVerdict.Drop), (rule.Match, rule.Verdict));
    }

    private static FilterRule Read(string statements) =>
        Assert.Single(NftRuleReader.Read("""{"nftables":[{"metainfo":{}},{"rule":{"expr":[""" + statements + "]}}]}", IPFamily.IPv4, isTranslated: true));
}
