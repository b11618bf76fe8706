using System.Net;
using CN2.Network.Resources;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Nft;
using Microsoft.Extensions.Logging;

namespace CN2.VRouter.Tests.Nft;

/// <summary>Tables that are not in force are built in steps, and hold what one transaction of nft would have made.</summary>
public sealed class RebuiltTablesTests : IDisposable
{
    private static readonly NftOptions Options = new("cn2", IPAddress.Parse("172.27.115.242"), IPAddress.Parse("fd00:16::1")) { RelayPort = 8475 };

    private readonly NetworkNamespace _node = new("rebuilt");
    private readonly NetworkNamespace _reference = new("reference");
    private readonly Lines _log = new();

    public static TheoryData<string> Wholes => NftRulesetTests.Wholes;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _node.Dispose();
        _reference.Dispose();
    }

    [Theory]
    [MemberData(nameof(Wholes))]
    public async Task They_equal_those_of_one_transaction(string name)
    {
        var config = NftRulesetTests.Whole(name);
        await using var dataplane = Dataplane();
        await ApplyAsync(dataplane, config);
        Assert.Equal(Expected(config), Tables(_node));
        Assert.Empty(_log.NotRebuilt);
    }

    [Fact]
    public async Task More_elements_than_one_message_and_one_transaction_hold()
    {
        var config = Configs.Config([.. Entries(9_000)]);
        await using var dataplane = Dataplane();
        await ApplyAsync(dataplane, config);
        Assert.Equal(Expected(config), Tables(_node));
        Assert.Empty(_log.NotRebuilt);
        Assert.False(dataplane.Drift.TryRead(out _));
    }

    [Fact]
    public async Task What_an_agent_left_half_built_when_it_was_killed_is_no_hindrance()
    {
        var config = NftRulesetTests.Whole("everything");
        var rules = NftContents.Of(config).Rules(Options, NftRuleset.Families);
        _node.ExecWith(rules, "nft", "-f", "-");
        await using var dataplane = Dataplane();
        await ApplyAsync(dataplane, config);
        Assert.Equal(Expected(config), Tables(_node));
        Assert.Empty(_log.NotRebuilt);

        await _node.RunAsync(() => NftDataplane.FlushAsync("cn2"));
        _node.ExecWith(rules, "nft", "-f", "-");
        await _node.RunAsync(() => NftDataplane.FlushAsync("cn2"));
        Assert.Empty(Tables(_node));
    }

    [Fact]
    public async Task An_element_that_the_kernel_refuses_leaves_nothing_half_built()
    {
        var config = Configs.Config([.. Entries(300)]);
        await using var dataplane = Dataplane(Options with { LargestMap = 256 });
        var refused = await ApplyAsync(dataplane, config);
        Assert.NotEmpty(refused);
        Assert.NotEmpty(_log.NotRebuilt);
        Assert.Equal(300 - refused.Count, Tables(_node).Split(" : 0xcb200001").Length - 1);
        Assert.DoesNotContain("dormant", Tables(_node), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whoever_flushes_them_again_and_again_the_tables_are_whole_at_the_end()
    {
        var config = Configs.Config([.. Entries(1_500)]);
        var other = Configs.Config([.. Entries(1_499)]);
        var change = new DataplaneChange();
        change.NatEntries.UnionWith(config.NatEntries.Keys.Except(other.NatEntries.Keys));
        change.FloatingIPs.UnionWith(config.FloatingIPs.Except(other.FloatingIPs));
        await using var dataplane = Dataplane();
        await ApplyAsync(dataplane, config);
        var expected = Tables(_node);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var repairs = RepairAsync(dataplane, config, stop.Token);

        // From before anything is built until after all of it is, by the time that the one before took.
        var random = new Random(20261130);
        string[] commands = ["flush ruleset", "flush ruleset", "delete table ip cn2", "flush table ip6 cn2"];
        for (var i = 0; i < 40; i++)
        {
            await Task.Run(() => _node.Try("nft", commands[random.Next(commands.Length)]), Cancellation);
            await Task.Delay(random.Next(120), Cancellation);
            if (i % 3 == 0) await ApplyAsync(dataplane, i % 2 == 0 ? other : config, change);
        }

        await ApplyAsync(dataplane, config);
        await Eventually.TrueAsync(() => Tables(_node) == expected, "the tables are whole", 60);
        await stop.CancelAsync();
        Assert.True(await repairs > 0);
        Assert.Equal(Expected(config), Tables(_node));
    }

    private static IEnumerable<DataplaneNatEntry> Entries(int count) => Enumerable.Range(1, count).Select(number =>
        Configs.NatEntry($"100.0.{number / 256}.{number % 256}", TransportProtocol.TCP, 8080, $"10.244.{number % 1000 / 250}.{(number % 250) + 1}:80") with { RefusesOthers = true, AnswersPing = true });

    private async Task<int> RepairAsync(NftDataplane dataplane, DataplaneConfig config, CancellationToken cancellation)
    {
        var repairs = 0;
        try
        {
            while (true)
            {
                await dataplane.Drift.ReadAsync(cancellation);
                await ApplyAsync(dataplane, config, new DataplaneChange());
                repairs++;
            }
        }
        catch (OperationCanceledException)
        {
            return repairs;
        }
    }

    private NftDataplane Dataplane(NftOptions? options = null) => _node.Run(() => new NftDataplane(options ?? Options, _log));

    private Task<IReadOnlyList<DataplaneRefusal>> ApplyAsync(NftDataplane dataplane, DataplaneConfig config, DataplaneChange? change = null) =>
        _node.RunAsync(() => dataplane.ApplyAsync(config, change, Cancellation));

    private string Expected(DataplaneConfig config)
    {
        _reference.ExecWith(NftContents.Whole(Options, config).Text, "nft", "-f", "-");
        return Tables(_reference);
    }

    private static string Tables(NetworkNamespace home) => home.Exec("nft", "-n", "list", "ruleset");

    private sealed class Lines : ILogger<NftDataplane>
    {
        private const int NotRebuiltEvent = 21;

        public List<string> NotRebuilt { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (eventId.Id == NotRebuiltEvent) NotRebuilt.Add(formatter(state, exception));
        }
    }
}
