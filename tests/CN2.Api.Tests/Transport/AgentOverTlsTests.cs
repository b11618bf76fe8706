extern alias agent;

using System.Net;
using System.Threading.Channels;
using agent::CN2.VRouter;
using agent::CN2.VRouter.Dataplane;
using agent::CN2.VRouter.Probes;
using CN2.Api.Tests.Reconcile;
using CN2.Network.Compilation;
using Microsoft.Extensions.Logging;

namespace CN2.Api.Tests.Transport;

/// <summary>The real agent and the real server over TLS; only the packet path of the node is in memory.</summary>
public sealed class AgentOverTlsTests(TlsServer api) : IClassFixture<TlsServer>
{
    [Fact]
    public async Task An_agent_gets_its_whole_state_and_comes_back_to_a_server_with_a_new_certificate()
    {
        await using (var first = await Node.StartAsync("tls1", "172.27.115.31", api.CaPath, api.Agents))
        {
            await Eventually.TrueAsync(async () => await IsConnectedAsync("tls1"), "the agent is connected", seen: () => first.Said);
            await PutAsync("/v1/namespaces/default/external-networks/tls", """{"subnets":[{"cidr":"39.91.0.0/24"}],"fabricForwarding":true}""");
            await PutAsync("/v1/namespaces/default/virtual-machine-interfaces/tls-web", """{"labels":{"app":"tls"},"virtualRouter":"tls1","addresses":["10.91.0.2"]}""");
            await PutAsync("/v1/namespaces/default/services/tls-web", """{"selector":{"app":"tls"},"externalNetwork":"tls","ports":[{"port":80}]}""");
            await Eventually.TrueAsync(() => first.Dataplane.Entries.Any(e => e.Address?.ToString() == "39.91.0.2"), "the entry has arrived", seen: () => first.Said);

            TlsServer.Put(api.GrpcCertificatePath, api.GrpcKeyPath, api.Authority.Issue("agents-renewed"));
            await Eventually.TrueAsync(async () => await api.SubjectAsync(api.Agents) == "CN=agents-renewed", "the new certificate is in use");
            Assert.True(await IsConnectedAsync("tls1"));
            Assert.DoesNotContain("Not connected", first.Said, StringComparison.Ordinal);
        }

        await Eventually.TrueAsync(async () => !await IsConnectedAsync("tls1"), "the agent has ended");
        await using var second = await Node.StartAsync("tls1", "172.27.115.31", api.CaPath, api.Agents);
        await Eventually.TrueAsync(() => second.Dataplane.Entries.Any(e => e.Address?.ToString() == "39.91.0.2"), "the next connection brings the whole state", 40, () => second.Said);
    }

    /// <summary>A PUT may be repeated, as on a machine so busy that the database answers late.</summary>
    private Task PutAsync(string path, string body) => Eventually.TrueAsync(async () => (await api.PutAsync(path, body)).Status is 200 or 201, $"{path} is written", 40);

    private async Task<bool> IsConnectedAsync(string name) =>
        await api.GetAsync($"/v1/virtual-routers/{name}") is { Status: 200, Json: { } router } && (bool?)router["status"]?["connected"] == true;

    private sealed class Node(VRouterAgent agent, Dataplane dataplane, RecordedLog log, CancellationTokenSource stop, Task running) : IAsyncDisposable
    {
        public Dataplane Dataplane => dataplane;

        public string Said => string.Join('\n', log.Lines.Select(l => l.Text));

        public static Task<Node> StartAsync(string name, string address, string caFile, params Uri[] servers)
        {
            var (dataplane, log, stop) = (new Dataplane(), new RecordedLog(), new CancellationTokenSource());
            using var loggers = LoggerFactory.Create(logging => logging.AddProvider(log));
            var agent = new VRouterAgent(
                new AgentCommand.Run(servers, name, IPAddress.Parse(address), null, null, "cn2", CaFile: caFile), dataplane, new NetworkProber(),
                new HealthStore(null, TimeProvider.System), TimeProvider.System, loggers.CreateLogger<VRouterAgent>());
            return Task.FromResult(new Node(agent, dataplane, log, stop, agent.RunAsync(stop.Token)));
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

        public IReadOnlyCollection<NatEntryKey> Entries { get; private set; } = [];

        public ChannelReader<string> Drift => _drift.Reader;

        public Task<IReadOnlyList<DataplaneRefusal>> ApplyAsync(DataplaneConfig desired, DataplaneChange? change, CancellationToken cancellation)
        {
            Entries = [.. desired.NatEntries.Keys];
            return Task.FromResult<IReadOnlyList<DataplaneRefusal>>([]);
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
