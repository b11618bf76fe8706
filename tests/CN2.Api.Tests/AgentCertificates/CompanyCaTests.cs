extern alias agent;

using System.Net;
using agent::CN2.VRouter;

namespace CN2.Api.Tests.AgentCertificates;

/// <summary>One CA for the server and the agents: the hash is all that a node needs.</summary>
public sealed class CompanyCaTests(CompanyCaServer api) : IClassFixture<CompanyCaServer>
{
    [Fact]
    public async Task A_node_joins_by_the_hash_alone_and_connects()
    {
        using var directory = new TemporaryDirectory("cn2-state-");
        var (token, caHash) = await api.TokenAsync("cc-node", IPAddress.Parse("172.27.119.1"));
        var said = new StringWriter();
        var code = await JoinCommand.RunAsync(new AgentCommand.Join(api.Agents, token, caHash, directory.Path, null, null, false), said, said, TimeProvider.System, TestContext.Current.CancellationToken);
        Assert.True(code == 0, said.ToString());
        await using var node = JoinedAgentTests.Node.Start("cc-node", "172.27.119.1", directory.Path, api.Agents);
        await Eventually.TrueAsync(async () => (bool?)(await api.GetAsync("/v1/virtual-routers/cc-node")).Json?["status"]?["connected"] == true, "it is connected", seen: () => node.Said);
    }
}
