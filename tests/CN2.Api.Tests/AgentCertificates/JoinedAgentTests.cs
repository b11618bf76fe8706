extern alias agent;

using System.Net;
using System.Threading.Channels;
using agent::CN2.VRouter;
using agent::CN2.VRouter.Dataplane;
using agent::CN2.VRouter.Probes;
using CN2.Api.Tests.Reconcile;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace CN2.Api.Tests.AgentCertificates;

/// <summary>The real <c>cn2-vrouter join</c> and the real agent, with the packet path in memory.</summary>
public sealed class JoinedAgentTests(AgentServer api) : IClassFixture<AgentServer>
{
    [Fact]
    public async Task An_agent_joins_and_uses_its_certificate_by_itself()
    {
        using var directory = new TemporaryDirectory("cn2-state-");
        var (token, caHash) = await api.TokenAsync("ja-node", IPAddress.Parse("172.27.117.1"));
        var join = new AgentCommand.Join(api.Agents, token, caHash, directory.Path, null, api.CaPath, Force: false);
        var (code, said) = await RunAsync(join);
        Assert.True(code == 0, said);
        Assert.Contains("this node is VirtualRouter ja-node", said, StringComparison.Ordinal);
        AssertOwnersAlone(Path.Combine(directory.Path, "agent.pem"));

        (code, said) = await RunAsync(join);
        Assert.True(code == 0 && said.Contains("this node is ja-node already", StringComparison.Ordinal) && said.Contains("--force", StringComparison.Ordinal), said);
        (code, said) = await RunAsync(join with { Force = true });
        Assert.True(code == 1 && said.Contains("the join token was used already", StringComparison.Ordinal), said);

        // It knows the CA of the server from the join, also when it joins again.
        (code, said) = await RunAsync(join with { Force = true, CaFile = null, Token = (await api.TokenAsync("ja-node", IPAddress.Parse("172.27.117.1"))).Token });
        Assert.True(code == 0, said);
        await using var node = Node.Start("ja-node", "172.27.117.1", directory.Path, api.Agents);
        await Eventually.TrueAsync(async () => (bool?)(await api.GetAsync("/v1/virtual-routers/ja-node")).Json?["status"]?["connected"] == true, "it is connected", seen: () => node.Said);
    }

    [Fact]
    public async Task An_agent_renews_its_certificate_after_two_thirds_of_its_life_and_says_when_it_is_too_late()
    {
        using var directory = new TemporaryDirectory("cn2-state-");
        var (token, caHash) = await api.TokenAsync("ja-renews", IPAddress.Parse("172.27.117.4"));
        var (code, said) = await RunAsync(new AgentCommand.Join(api.Agents, token, caHash, directory.Path, null, api.CaPath, Force: false));
        Assert.True(code == 0, said);
        var path = Path.Combine(directory.Path, "agent.pem");
        var first = await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken);

        await using (var early = Node.Start("ja-renews", "172.27.117.4", directory.Path, api.Agents, time: At(100)))
        {
            await Eventually.TrueAsync(async () => (bool?)(await api.GetAsync("/v1/virtual-routers/ja-renews")).Json?["status"]?["connected"] == true, "it is connected", seen: () => early.Said);
            Assert.Equal(first, await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));
        }

        await using (var due = Node.Start("ja-renews", "172.27.117.4", directory.Path, api.Agents, time: At(120)))
            await Eventually.TrueAsync(() => due.Said.Contains("The certificate of this node was renewed", StringComparison.Ordinal), "it is renewed", seen: () => due.Said);
        var second = await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken);
        Assert.NotEqual(first, second);
        AssertOwnersAlone(path);

        await using var late = Node.Start("ja-renews", "172.27.117.4", directory.Path, api.Agents, time: At(200));
        await Eventually.TrueAsync(() => late.Said.Contains("make a new join token and run cn2-vrouter join with --force", StringComparison.Ordinal), "it says so", seen: () => late.Said);
        Assert.Equal(second, await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));

        static FakeTimeProvider At(int hours) => new(DateTimeOffset.UtcNow.AddHours(hours));
    }

    [Fact]
    public async Task An_agent_without_a_certificate_says_what_to_do()
    {
        using var directory = new TemporaryDirectory("cn2-state-");
        await using var node = Node.Start("ja-stranger", "172.27.117.2", directory.Path, api.Agents, api.CaPath);
        await Eventually.TrueAsync(() => node.Said.Contains("the agent shows no certificate; get one with cn2-vrouter join", StringComparison.Ordinal), "it says so", seen: () => node.Said);
    }

    [Fact]
    public async Task A_server_that_hands_out_another_CA_or_has_another_one_itself_is_not_joined()
    {
        using var directory = new TemporaryDirectory("cn2-state-");
        var (token, caHash) = await api.TokenAsync("ja-wary", IPAddress.Parse("172.27.117.3"));
        var join = new AgentCommand.Join(api.Agents, token, caHash, directory.Path, null, null, Force: false);
        var (code, said) = await RunAsync(join);
        Assert.True(code == 1 && said.Contains("the CA of --ca-hash does not stand behind it", StringComparison.Ordinal), said);
        (code, said) = await RunAsync(join with { CaFile = api.CaPath, CaHash = "sha256:" + new string('0', 64) });
        Assert.True(code == 1 && said.Contains($"the server hands out another CA than that of --ca-hash ({caHash})", StringComparison.Ordinal), said);
        Assert.False(File.Exists(Path.Combine(directory.Path, "agent.pem")));
    }

    private static void AssertOwnersAlone(string path)
    {
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
    }

    private static async Task<(int Code, string Said)> RunAsync(AgentCommand.Join join)
    {
        var said = new StringWriter();
        return (await JoinCommand.RunAsync(join, said, said, TimeProvider.System, TestContext.Current.CancellationToken), said.ToString());
    }

    internal sealed class Node(VRouterAgent agent, RecordedLog log, CancellationTokenSource stop, Task running) : IAsyncDisposable
    {
        public string Said => string.Join('\n', log.Lines.Select(l => l.Text));

        public static Node Start(string name, string address, string? stateDirectory, Uri server, string? caFile = null, TimeProvider? time = null)
        {
            var (log, stop) = (new RecordedLog(), new CancellationTokenSource());
            using var loggers = LoggerFactory.Create(logging => logging.AddProvider(log));
            var agent = new VRouterAgent(
                new AgentCommand.Run([server], name, IPAddress.Parse(address), null, stateDirectory, "cn2", CaFile: caFile), new Dataplane(), new NetworkProber(),
                new HealthStore(null, TimeProvider.System), time ?? TimeProvider.System, loggers.CreateLogger<VRouterAgent>());
            return new Node(agent, log, stop, agent.RunAsync(stop.Token));
        }

        public async ValueTask DisposeAsync()
        {
            await stop.CancelAsync();
            await running;
            await agent.DisposeAsync();
            stop.Dispose();
        }
    }

    private sealed class Dataplane : IDataplane
    {
        private readonly Channel<string> _drift = Channel.CreateUnbounded<string>();

        public ChannelReader<string> Drift => _drift.Reader;

        public Task<IReadOnlyList<DataplaneRefusal>> ApplyAsync(DataplaneConfig desired, DataplaneChange? change, CancellationToken cancellation) => Task.FromResult<IReadOnlyList<DataplaneRefusal>>([]);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
