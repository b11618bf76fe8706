extern alias agent;

using System.Net;
using agent::CN2.VRouter;

namespace CN2.Api.Tests.AgentCertificates;

/// <summary>A change-over: a server that asks for no certificate takes agents with one and agents without.</summary>
public sealed class ChangeOverTests(OpenAgentServer api) : IClassFixture<OpenAgentServer>
{
    [Fact]
    public async Task With_mode_none_agents_with_a_certificate_and_without_one_connect()
    {
        using var directory = new TemporaryDirectory("cn2-state-");
        var (token, caHash) = await api.TokenAsync("co-new", IPAddress.Parse("172.27.118.1"));
        Assert.Equal(0, await JoinCommand.RunAsync(new AgentCommand.Join(api.Agents, token, caHash, directory.Path, "co-new", api.CaPath, false), TextWriter.Null, TextWriter.Null, TimeProvider.System, TestContext.Current.CancellationToken));
        await using var old = JoinedAgentTests.Node.Start("co-old", "172.27.118.2", null, api.Agents, api.CaPath);
        await using var joined = JoinedAgentTests.Node.Start("co-new", "172.27.118.1", directory.Path, api.Agents);
        foreach (var name in (string[])["co-old", "co-new"])
            await Eventually.TrueAsync(async () => (await api.GetAsync($"/v1/virtual-routers/{name}")) is { Status: 200, Json: { } router } && (bool?)router["status"]?["connected"] == true, $"{name} is connected", seen: () => old.Said + joined.Said);
    }
}
