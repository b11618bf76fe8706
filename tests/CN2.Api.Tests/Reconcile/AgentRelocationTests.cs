using System.Net;
using CN2.Api.Data;
using CN2.Api.Drivers;
using CN2.Api.Options;
using CN2.Api.Reconcile;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace CN2.Api.Tests.Reconcile;

/// <summary>Which agents a control node with more than its share sends on. What it does without its database: <see cref="AgentRecorderTests"/>.</summary>
public sealed class AgentRelocationTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly RecordingPublisher _publisher = new();
    private readonly List<VRouterHello> _hellos = [];
    private readonly AgentRelocation _relocation;

    public AgentRelocationTests() => _relocation = new(_publisher, new ControlNodeOptions { Name = "cn-a" }, _time, NullLogger.Instance);

    [Fact]
    public void Some_agents_go_each_second_until_the_control_node_has_its_share_and_each_is_sent_once()
    {
        Connect(200);
        Pass(AgentRelocation.Patience, agents: 200);
        Assert.Empty(_publisher.SentOn);
        Pass(TimeSpan.FromSeconds(2), agents: 200);
        Assert.Equal(4 + 3, _publisher.SentOn.Count); // a fiftieth of 200, and of 196
        Assert.Equal("control node cn-a has 200 agents, and its share is 100: another one takes this agent", _publisher.SentOn[0].Reason);
        Pass(TimeSpan.FromMinutes(2), agents: 200);
        Assert.Equal(100, _publisher.SentOn.Count);
        Assert.Equal(100, SentOn.Distinct().Count());
    }

    [Fact]
    public void Nobody_goes_while_the_share_is_not_clearly_exceeded()
    {
        Connect(119);
        Pass(TimeSpan.FromMinutes(2), agents: 200);
        Assert.Empty(_publisher.SentOn);
    }

    [Fact]
    public void Nobody_goes_to_a_control_node_that_is_gone_and_still_counts_as_alive()
    {
        Connect(200);
        Pass(ControlNodeLiveness.GoneAfter + ControlNodeStore.BeatInterval, agents: 200);
        Pass(TimeSpan.FromMinutes(2), agents: 200, others: 0);
        Assert.Empty(_publisher.SentOn);
    }

    [Fact]
    public void When_more_come_than_go_it_waits_again_because_a_control_node_may_be_gone()
    {
        Connect(200);
        Pass(AgentRelocation.Patience + TimeSpan.FromSeconds(1), agents: 200);
        Assert.Equal(4, _publisher.SentOn.Count);
        Connect(100, from: 200);
        Pass(AgentRelocation.Patience, agents: 300);
        Assert.Equal(4, _publisher.SentOn.Count);
        Pass(TimeSpan.FromSeconds(3), agents: 300);
        Assert.True(_publisher.SentOn.Count > 4);
    }

    [Fact]
    public void Only_agents_with_other_servers_go_and_first_those_that_prefer_one_of_these()
    {
        Connect(60, others: null);
        Connect(30, from: 60);
        Connect(10, others: new VRouterOtherServers(Preferred: true, TimeSpan.Zero), from: 90);
        Pass(TimeSpan.FromMinutes(2), agents: 100, others: 4);
        Assert.Equal(Enumerable.Range(90, 10).Select(Name), SentOn.Take(10));
        Assert.Equal(Enumerable.Range(60, 30).Select(Name), SentOn.Skip(10));
    }

    [Fact]
    public void An_agent_that_was_sent_on_before_stays_as_long_as_it_said()
    {
        Connect(100, others: new VRouterOtherServers(Preferred: true, TimeSpan.FromMinutes(10)));
        Pass(TimeSpan.FromMinutes(9), agents: 100);
        Assert.Empty(_publisher.SentOn);
        // The loop says again who is here: that is no new connection.
        foreach (var hello in _hellos) _relocation.Connected(hello);
        Pass(TimeSpan.FromMinutes(3), agents: 100);
        Assert.Equal(50, _publisher.SentOn.Count);
    }

    [Fact]
    public void Nobody_goes_while_the_database_is_away()
    {
        Connect(200);
        Pass(AgentRelocation.Patience, agents: 200);
        _relocation.DatabaseIsAway();
        Pass(TimeSpan.FromMinutes(1), agents: 200);
        Assert.Empty(_publisher.SentOn);
        _relocation.DatabaseAnswers();
        Pass(AgentRelocation.Patience, agents: 200);
        Assert.Empty(_publisher.SentOn);
        Pass(TimeSpan.FromSeconds(1), agents: 200);
        Assert.NotEmpty(_publisher.SentOn);
    }

    [Fact]
    public void Nobody_goes_while_it_is_not_known_who_else_is_alive()
    {
        Connect(200);
        _relocation.Found(others: 1);
        for (var i = 0; i < 60; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            _relocation.Relieve(200);
        }

        Assert.Empty(_publisher.SentOn);
    }

    private IEnumerable<string> SentOn => _publisher.SentOn.Select(s => s.Hello.Name);

    private static string Name(int number) => $"node{number}";

    private void Connect(int agents, int from = 0) => Connect(agents, new VRouterOtherServers(Preferred: false, TimeSpan.Zero), from);

    private void Connect(int agents, VRouterOtherServers? others, int from = 0)
    {
        for (var i = from; i < from + agents; i++)
        {
            _hellos.Add(new VRouterHello(Name(i), new IPAddress([172, 27, (byte)(i / 250), (byte)((i % 250) + 1)]), null, "1.0") { OtherServers = others });
            _relocation.Connected(_hellos[^1]);
        }
    }

    /// <summary>Agents that are sent on are elsewhere at once.</summary>
    private void Pass(TimeSpan time, int agents, int others = 1)
    {
        for (var passed = TimeSpan.Zero; passed < time; passed += TimeSpan.FromSeconds(1))
        {
            _relocation.Found(others);
            _relocation.Relieve(agents);
            _time.Advance(TimeSpan.FromSeconds(1));
        }
    }
}
