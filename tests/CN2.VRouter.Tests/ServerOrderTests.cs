namespace CN2.VRouter.Tests;

/// <summary>A fleet spreads over its servers by itself.</summary>
public sealed class ServerOrderTests
{
    private const int Agents = 1000;

    private static readonly Uri[] Servers = [new("https://cn-a.example:8081"), new("https://cn-b.example:8081"), new("https://cn-c.example:8081")];

    private static IEnumerable<string> Names => Enumerable.Range(1, Agents).Select(i => $"compute{i}");

    [Fact]
    public void The_agents_spread_evenly_over_the_servers() => AssertEven(Names.Select(n => ServerOrder.Of(n, Servers)[0]), Servers, Agents / 3.0);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Those_of_a_server_that_is_away_spread_evenly_over_the_others_and_nobody_else_moves(int away)
    {
        var moved = Names.Select(n => ServerOrder.Of(n, Servers)).Where(o => o[0] == Servers[away]).ToList();
        AssertEven(moved.Select(o => o[1]), Servers.Where(s => s != Servers[away]), moved.Count / 2.0);

        Uri[] left = [.. Servers.Where(s => s != Servers[away])];
        Assert.All(Names, n => Assert.Equal(ServerOrder.Of(n, Servers).Where(s => s != Servers[away]), ServerOrder.Of(n, left)));
    }

    [Fact]
    public void The_order_of_an_agent_is_the_same_whatever_the_order_of_its_options() =>
        Assert.All(Names, n => Assert.Equal(ServerOrder.Of(n, Servers), ServerOrder.Of(n, [Servers[2], Servers[0], Servers[1], Servers[0]])));

    /// <summary>The order must not change with a version: all agents would move when they are upgraded.</summary>
    [Fact]
    public void The_order_of_an_agent_stays_the_same_over_versions() =>
        Assert.Equal("cn-c cn-a cn-b", string.Join(' ', ServerOrder.Of("compute1", Servers).Select(s => s.Host.Split('.')[0])));

    private static void AssertEven(IEnumerable<Uri> chosen, IEnumerable<Uri> among, double each)
    {
        var counts = chosen.CountBy(s => s).ToDictionary();
        Assert.Equal(among.ToHashSet(), [.. counts.Keys]);
        Assert.All(counts.Values, c => Assert.InRange(c, 0.85 * each, 1.15 * each));
    }
}
