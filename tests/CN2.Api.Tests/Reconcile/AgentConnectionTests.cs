using System.Net;
using CN2.Api.Drivers;
using CN2.Api.Reconcile;

namespace CN2.Api.Tests.Reconcile;

/// <summary>Who may connect as a VirtualRouter that the database knows. The database believes connection 7 of agent "aa" at 10.0.0.1 to be at cn-b.</summary>
public sealed class AgentConnectionTests
{
    [Theory]
    [InlineData("cn-b", true, "aa", "10.0.0.1", 8, null)] // it moves to another replica
    [InlineData("cn-b", true, "aa", "10.0.0.1", 7, null)] // the same hello once more
    [InlineData("cn-b", true, "aa", "10.0.0.1", 6, "Superseded")] // a late hello of an earlier connection
    [InlineData("cn-b", true, "aa", "10.9.9.9", 6, "Superseded")] // the same over another network
    [InlineData("cn-b", true, "aa", "10.0.0.2", 8, "DuplicateAgent")] // a copied state directory
    [InlineData("cn-b", true, "bb", "10.0.0.1", 8, "DuplicateAgent")]
    [InlineData("cn-b", true, null, "10.0.0.1", 0, "DuplicateAgent")]
    [InlineData("cn-b", false, "bb", "10.0.0.2", 1, null)] // the other is silent, or its replica is gone
    [InlineData("cn-a", true, "bb", "10.0.0.2", 1, null)] // of two at one replica the streams decide
    [InlineData(null, false, "bb", "10.0.0.2", 1, null)] // never connected
    public void An_agent_may_connect_unless_another_one_is_alive(string? where, bool alive, string? instance, string source, long connection, string? refused)
    {
        var known = new KnownAgent(Guid.Empty, IPAddress.Parse("172.27.115.242"), null, where, "aa", IPAddress.Parse("10.0.0.1"), 7, alive);
        var hello = new VRouterHello("compute1", IPAddress.Parse("172.27.115.242"), null, "1") { Instance = instance, Source = IPAddress.Parse(source), Connection = connection };
        Assert.Equal(refused, AgentConnection.Judge(hello, known, "cn-a")?.Reason.ToString());
    }

    [Theory]
    [InlineData("10.0.0.1", null)]
    [InlineData("10.0.0.2", "DuplicateAgent")]
    public void Older_agents_are_told_apart_by_where_they_come_from(string source, string? refused)
    {
        var known = new KnownAgent(Guid.Empty, IPAddress.Parse("172.27.115.242"), null, "cn-b", null, IPAddress.Parse("10.0.0.1"), 0, Alive: true);
        var hello = new VRouterHello("compute1", IPAddress.Parse("172.27.115.242"), null, "1") { Source = IPAddress.Parse(source) };
        Assert.Equal(refused, AgentConnection.Judge(hello, known, "cn-a")?.Reason.ToString());
    }
}
