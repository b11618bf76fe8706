using System.Net;
using CN2.Api.Data;
using CN2.Api.Drivers;
using CN2.Api.Options;
using CN2.Api.Reconcile;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace CN2.Api.Tests.Reconcile;

/// <summary>Which agents a control node with more than its share sends on, and which it does not take. What it does without its database also: <see cref="AgentRecorderTests"/>.</summary>
public sealed class AgentRelocationTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly RecordingPublisher _publisher = new();
    private readonly List<VRouterHello> _hellos = [];
    private readonly AgentRelocation _relocation;

    public AgentRelocationTests() => _relocation = new(_publisher, AgentShare.Default, new ControlNodeOptions { Name = "cn-a" }, _time, NullLogger<AgentRelocation>.Instance);

    [Fact]
    public void Some_agents_go_each_second_until_the_control_node_has_its_share_and_each_is_sent_once()
    {
        Connect(200);
        Pass(AgentRelief.Patience, agents: 200);
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
        Connect(125);
        Pass(TimeSpan.FromMinutes(2), agents: 200);
        Assert.Empty(_publisher.SentOn);
    }

    [Fact]
    public void The_share_does_not_fall_while_agents_are_on_their_way()
    {
        Connect(150);
        var sent = new Queue<int>([0, 0, 0, 0, 0]);
        for (var i = 0; i < 120; i++)
        {
            _relocation.Found(others: 2);
            // They arrive after five seconds.
            _relocation.Relieve(agents: 300 - (_publisher.SentOn.Count - sent.Dequeue()), isFeedAway: false);
            sent.Enqueue(_publisher.SentOn.Count);
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(50, _publisher.SentOn.Count);
    }

    [Fact]
    public void An_agent_that_has_just_come_is_not_sent_on_at_once()
    {
        Connect(100);
        Pass(AgentRelief.Patience + TimeSpan.FromSeconds(5), agents: 100);
        Connect(1, others: new VRouterOtherServers(Preferred: true, TimeSpan.Zero), from: 100); // it would be the first to go
        var sent = _publisher.SentOn.Count;
        Pass(AgentRelief.Patience - TimeSpan.FromSeconds(1), agents: 100);
        Assert.True(_publisher.SentOn.Count > sent);
        Assert.DoesNotContain(Name(100), SentOn);
        Pass(TimeSpan.FromSeconds(3), agents: 100);
        Assert.Contains(Name(100), SentOn);
    }

    [Fact]
    public void When_none_may_go_it_waits_until_the_first_may_and_ten_minutes_at_most_and_not_when_a_control_node_comes()
    {
        Connect(100, others: null);
        Pass(AgentRelief.Patience + TimeSpan.FromSeconds(1), agents: 100);
        Connect(5, from: 100);
        Pass(AgentRelief.LongestPause, agents: 105);
        Assert.Empty(_publisher.SentOn);
        Pass(TimeSpan.FromSeconds(2), agents: 105);
        Assert.NotEmpty(_publisher.SentOn);

        Pass(TimeSpan.FromMinutes(1), agents: 105);
        Assert.Equal(5, _publisher.SentOn.Count);
        Connect(5, from: 200);
        Pass(AgentRelief.Patience, agents: 105, others: 2);
        Assert.Equal(5, _publisher.SentOn.Count);
        Pass(TimeSpan.FromSeconds(1), agents: 105, others: 2);
        Assert.True(_publisher.SentOn.Count > 5);
    }

    [Fact]
    public void An_agent_whose_stream_has_just_ended_was_not_sent_on_and_does_not_count_as_one_that_came_back()
    {
        Connect(200);
        _publisher.Gone.UnionWith(Enumerable.Range(0, 4).Select(Name));
        Pass(AgentRelief.Patience + TimeSpan.FromSeconds(1), agents: 200);
        Assert.Empty(_publisher.SentOn); // it has tried these four
        _publisher.Gone.Clear();
        Connect(4);
        Pass(TimeSpan.FromSeconds(1), agents: 200);
        Assert.NotEmpty(_publisher.SentOn);
        Pass(TimeSpan.FromMinutes(2), agents: 200);
        Assert.Equal(100, _publisher.SentOn.Count);
    }

    [Fact]
    public void When_few_agents_come_back_these_stay_and_the_others_go_on()
    {
        Connect(200);
        Pass(AgentRelief.Patience + TimeSpan.FromSeconds(1), agents: 200);
        Assert.Equal(4, _publisher.SentOn.Count);
        var back = _publisher.SentOn[0].Hello with { OtherServers = new VRouterOtherServers(Preferred: false, TimeSpan.FromMinutes(10)) };
        _relocation.Connected(back);
        Pass(TimeSpan.FromSeconds(1), agents: 200);
        Assert.Equal(4 + 3, _publisher.SentOn.Count);
        Pass(TimeSpan.FromMinutes(2), agents: 200);
        Assert.Equal(101, _publisher.SentOn.Count);
        Assert.Single(SentOn, back.Name);
    }

    [Fact]
    public void When_half_of_those_that_were_sent_on_come_back_no_more_are_for_twice_the_pause()
    {
        Connect(200);
        Pass(AgentRelief.Patience + TimeSpan.FromSeconds(1), agents: 200);
        foreach (var (hello, _) in _publisher.SentOn.Take(2).ToList()) _relocation.Connected(hello with { OtherServers = new VRouterOtherServers(Preferred: false, TimeSpan.FromMinutes(10)) });
        Pass(2 * AgentRelief.Patience, agents: 200);
        Assert.Equal(4, _publisher.SentOn.Count);
        Pass(TimeSpan.FromSeconds(2), agents: 200);
        Assert.True(_publisher.SentOn.Count > 4);
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
        Pass(AgentRelief.Patience + TimeSpan.FromSeconds(1), agents: 200);
        Assert.Equal(4, _publisher.SentOn.Count);
        Connect(100, from: 200);
        Pass(AgentRelief.Patience, agents: 300);
        Assert.Equal(4, _publisher.SentOn.Count);
        Pass(TimeSpan.FromSeconds(3), agents: 300);
        Assert.True(_publisher.SentOn.Count > 4);
    }

    [Fact]
    public void The_loop_that_says_again_who_is_here_does_not_bring_an_agent_back_whose_stream_is_just_ended()
    {
        Connect(200);
        for (var i = 0; i < 120; i++)
        {
            Pass(TimeSpan.FromSeconds(1), agents: 200);
            foreach (var (hello, _) in _publisher.SentOn) _relocation.Connected(hello);
        }

        Assert.Equal(100, _publisher.SentOn.Count);
        Assert.Equal(100, SentOn.Distinct().Count());
    }

    [Fact]
    public void When_a_control_node_seemed_away_for_a_moment_the_rest_of_the_agents_goes_later()
    {
        Connect(150);
        Pass(AgentRelief.Patience + TimeSpan.FromSeconds(18), agents: 300, others: 2);
        Assert.InRange(_publisher.SentOn.Count, 34, 45); // not clearly too many any more
        Pass(TimeSpan.FromSeconds(1), agents: 300);
        Pass(TimeSpan.FromMinutes(2), agents: 300, others: 2);
        Assert.InRange(_publisher.SentOn.Count, 46, 50); // fewer than the margin may be left
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
        Pass(AgentRelief.Patience, agents: 200);
        _relocation.DatabaseIsAway();
        Pass(TimeSpan.FromMinutes(1), agents: 200);
        Assert.Empty(_publisher.SentOn);
        _relocation.DatabaseAnswers();
        Pass(AgentRelief.Patience, agents: 200);
        Assert.Empty(_publisher.SentOn);
        Pass(TimeSpan.FromSeconds(1), agents: 200);
        Assert.NotEmpty(_publisher.SentOn);
    }

    [Theory]
    [InlineData("database")]
    [InlineData("feed")]
    [InlineData("heartbeats")]
    public void Who_was_sending_agents_on_when_the_database_went_away_waits_again_once_it_is_back(string away)
    {
        Connect(200);
        Pass(AgentRelief.Patience + TimeSpan.FromSeconds(1), agents: 200);
        Assert.Equal(4, _publisher.SentOn.Count);
        if (away == "database") _relocation.DatabaseIsAway();
        for (var i = 0; i < 10; i++)
        {
            if (away != "heartbeats") _relocation.Found(others: 1);
            _relocation.Relieve(200, isFeedAway: away == "feed");
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        // A heartbeat counts for some seconds.
        var sent = _publisher.SentOn.Count;
        Assert.True(away == "heartbeats" || sent == 4);
        _relocation.DatabaseAnswers();
        Pass(AgentRelief.Patience, agents: 200);
        Assert.Equal(sent, _publisher.SentOn.Count);
        Pass(TimeSpan.FromSeconds(1), agents: 200);
        Assert.True(_publisher.SentOn.Count > sent);
    }

    [Fact]
    public void Without_its_database_it_sends_an_agent_away_once_and_once_more_when_another_control_node_has_sent_it_here()
    {
        _relocation.Loaded();
        _relocation.Found(others: 1);
        var hello = Hello(1, new VRouterOtherServers(Preferred: false, TimeSpan.Zero));
        var sentHere = Hello(1, new VRouterOtherServers(Preferred: false, TimeSpan.FromMinutes(10)));
        _relocation.Connected(hello);
        _relocation.DatabaseIsAway();
        _time.Advance(AgentRelocation.DatabaseAwayAfter);
        foreach (var (next, ends) in ((VRouterHello, int)[])[(hello, 1), (hello, 1), (sentHere, 2), (sentHere, 2), (hello, 2)])
        {
            _relocation.Disconnected(next.Name);
            _relocation.Connected(next);
            _relocation.DatabaseIsAway();
            Assert.Equal(ends, _publisher.Ended.Count);
        }
    }

    [Fact]
    public void An_agent_that_another_control_node_has_sent_on_is_turned_away_once_where_there_is_no_room_either()
    {
        _relocation.Loaded();
        Connect(100);
        var sentHere = Hello(500, new VRouterOtherServers(Preferred: true, TimeSpan.FromMinutes(10)));
        Assert.Null(_relocation.RefusalOf(sentHere)); // nobody knows yet who has how many
        Pass(TimeSpan.FromSeconds(1), agents: 201);
        Assert.Null(_relocation.RefusalOf(sentHere)); // there is room for one more
        Pass(TimeSpan.FromSeconds(1), agents: 200);
        Assert.Null(_relocation.RefusalOf(Hello(500, new VRouterOtherServers(Preferred: false, TimeSpan.Zero)))); // it comes by itself
        Assert.Equal("control node cn-a has its share of the agents; another one may take this agent", _relocation.RefusalOf(sentHere));
        Assert.Null(_relocation.RefusalOf(sentHere)); // it has tried its other servers
        Pass(AgentRelocation.TurnedAwayFor, agents: 200);
        Assert.NotNull(_relocation.RefusalOf(sentHere));
        _relocation.Relieve(200, isFeedAway: true);
        Assert.Null(_relocation.RefusalOf(Hello(501, sentHere.OtherServers)));
    }

    [Fact]
    public void When_agents_come_back_no_more_are_sent_on_for_a_pause_that_grows()
    {
        _relocation.Loaded();
        Connect(200);
        var pauses = new List<int>();
        for (var round = 0; round < 8; round++)
        {
            var (sent, seconds) = (_publisher.SentOn.Count, 0);
            for (; _publisher.SentOn.Count == sent; seconds++) Pass(TimeSpan.FromSeconds(1), agents: 200);
            pauses.Add(seconds - 1);
            var hello = _publisher.SentOn[^1].Hello with { OtherServers = new VRouterOtherServers(Preferred: false, TimeSpan.FromMinutes(10)) };
            Assert.Null(_relocation.RefusalOf(hello)); // this one has sent it on
            foreach (var (gone, _) in _publisher.SentOn.Skip(sent).ToList()) _relocation.Connected(gone with { OtherServers = hello.OtherServers });
        }

        Assert.Equal([10, 21, 41, 81, 161, 321, 601, 601], pauses);
    }

    [Fact]
    public void Before_everything_is_read_an_agent_with_other_servers_is_turned_away_once_and_taken_when_it_comes_again()
    {
        var hello = Hello(1, new VRouterOtherServers(Preferred: false, TimeSpan.Zero));
        Assert.False(_relocation.TakesAgents);
        Assert.Equal("control node cn-a has not read everything from its database yet; another one may serve this agent", _relocation.RefusalOf(hello));
        Assert.Null(_relocation.RefusalOf(hello)); // the others are no better off
        Assert.NotNull(_relocation.RefusalOf(Hello(2, hello.OtherServers)));
        Assert.Null(_relocation.RefusalOf(Hello(3, others: null)));
        _time.Advance(AgentRelocation.TurnedAwayFor);
        Assert.NotNull(_relocation.RefusalOf(hello));
        _relocation.Loaded();
        Assert.True(_relocation.TakesAgents);
        Assert.Null(_relocation.RefusalOf(hello));
    }

    [Fact]
    public void While_the_database_is_away_an_agent_is_taken_at_its_second_attempt()
    {
        var hello = Hello(1, new VRouterOtherServers(Preferred: false, TimeSpan.Zero));
        _relocation.Loaded();
        _relocation.Found(others: 1);
        _relocation.Connected(Hello(2, null));
        _relocation.DatabaseIsAway();
        Assert.False(_relocation.TakesAgents);
        Assert.Null(_relocation.RefusalOf(hello)); // a fail-over is shorter
        _time.Advance(AgentRelocation.DatabaseAwayAfter);
        Assert.Equal("control node cn-a does not reach its database; another one may", _relocation.RefusalOf(hello));
        Assert.Null(_relocation.RefusalOf(hello));
        _relocation.DatabaseAnswers();
        Assert.True(_relocation.TakesAgents);
        Assert.Null(_relocation.RefusalOf(hello));
    }

    [Fact]
    public void Without_agents_a_heartbeat_says_that_the_database_answers()
    {
        _relocation.Loaded();
        _relocation.DatabaseIsAway();
        _relocation.Found(others: 1);
        Assert.False(_relocation.TakesAgents); // what could not be written may be tried again
        _time.Advance(ControlNodeLiveness.GoneAfter + TimeSpan.FromSeconds(1));
        Assert.False(_relocation.TakesAgents);
        _relocation.Found(others: 1);
        Assert.True(_relocation.TakesAgents);
    }

    [Fact]
    public void A_control_node_that_cannot_read_the_change_feed_takes_no_agents()
    {
        _relocation.Loaded();
        _relocation.Relieve(0, isFeedAway: true);
        Assert.False(_relocation.TakesAgents);
        _relocation.Relieve(0, isFeedAway: false);
        Assert.True(_relocation.TakesAgents);
    }

    [Fact]
    public void Nobody_goes_while_it_is_not_known_who_else_is_alive()
    {
        Connect(200);
        _relocation.Found(others: 1);
        for (var i = 0; i < 60; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            _relocation.Relieve(200, isFeedAway: false);
        }

        Assert.Empty(_publisher.SentOn);
    }

    private IEnumerable<string> SentOn => _publisher.SentOn.Select(s => s.Hello.Name);

    private static string Name(int number) => $"node{number}";

    private static VRouterHello Hello(int number, VRouterOtherServers? others) =>
        new(Name(number), new IPAddress([172, 27, (byte)(number / 250), (byte)((number % 250) + 1)]), null, "1.0") { OtherServers = others };

    private void Connect(int agents, int from = 0) => Connect(agents, new VRouterOtherServers(Preferred: false, TimeSpan.Zero), from);

    private void Connect(int agents, VRouterOtherServers? others, int from = 0)
    {
        for (var i = from; i < from + agents; i++)
        {
            _hellos.Add(Hello(i, others));
            _relocation.Connected(_hellos[^1]);
        }
    }

    /// <summary>Agents that are sent on are elsewhere at once.</summary>
    private void Pass(TimeSpan time, int agents, int others = 1)
    {
        for (var passed = TimeSpan.Zero; passed < time; passed += TimeSpan.FromSeconds(1))
        {
            _relocation.Found(others);
            _relocation.Relieve(agents, isFeedAway: false);
            _time.Advance(TimeSpan.FromSeconds(1));
        }
    }
}
