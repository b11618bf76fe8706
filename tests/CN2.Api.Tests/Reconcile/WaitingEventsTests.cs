using System.Net;
using CN2.Api.Drivers;
using CN2.Api.Reconcile;
using CN2.Network.Resources;
using CN2.Network.Sequencing;

namespace CN2.Api.Tests.Reconcile;

/// <summary>What waits for a busy loop has a bound, and says in the end what the agents said last.</summary>
public sealed class WaitingEventsTests : IAsyncDisposable
{
    private const string Name = "compute1";
    private readonly LoopParts _parts = new();

    private LoopInbox Inbox => _parts.Get<LoopInbox>();

    public ValueTask DisposeAsync() => _parts.DisposeAsync();

    [Fact]
    public void Reports_of_one_agent_wait_once_of_each_kind_and_the_last_one_counts()
    {
        for (var i = 1; i <= 1000; i++)
        {
            Inbox.Post(new AgentEvent.Applied(Name, (ulong)i, null, [Refusal(i)]));
            Inbox.Post(new AgentEvent.Noticed(Name, $"notice {i}"));
            Inbox.Post(new AgentEvent.Inspected(Name, []));
            Inbox.Post(new AgentEvent.Health(Name, [(Sample.Uid(i % 3), EndpointHealth.Healthy, $"{i}")]));
            Inbox.PostWithoutWaking(new AgentEvent.Seen(Name, i));
        }

        Assert.Collection(
            _parts.TakeEvents(),
            e => Assert.Equal((1000UL, "refusal 1000"), (Assert.IsType<AgentEvent.Applied>(e).Revision, Assert.Single(((AgentEvent.Applied)e).Refused).Reason)),
            e => Assert.Equal("notice 1000", Assert.IsType<AgentEvent.Noticed>(e).Message),
            e => Assert.IsType<AgentEvent.Inspected>(e),
            e => Assert.Equal(["1000", "998", "999"], Assert.IsType<AgentEvent.Health>(e).Endpoints.Select(h => h.Message).Order()),
            e => Assert.Equal(1000, Assert.IsType<AgentEvent.Seen>(e).Repairs));
    }

    [Fact]
    public void Agents_do_not_replace_what_others_say()
    {
        foreach (var name in new[] { "a", "b", "a" }) Inbox.Post(new AgentEvent.Noticed(name, name));
        Assert.Equal(["a", "b"], _parts.TakeEvents().Cast<AgentEvent>().Select(e => e.Name));
        Inbox.Post(new AgentEvent.Noticed("a", "again"));
        Assert.Single(_parts.TakeEvents());
    }

    [Fact]
    public void A_revision_that_is_refused_takes_back_no_acknowledgement_and_a_later_one_that_is_applied_ends_the_error()
    {
        foreach (var (revision, error) in new[] { (5UL, null), (6UL, "a"), (7UL, "b") }) Inbox.Post(new AgentEvent.Applied(Name, revision, error, []));
        Assert.Equal([(5UL, null), (7UL, "b")], Answers());
        foreach (var (revision, error) in new[] { (8UL, "c"), (9UL, null), (10UL, "d"), (11UL, null), (4UL, (string?)null) }) Inbox.Post(new AgentEvent.Applied(Name, revision, error, []));
        Assert.Equal([(11UL, null)], Answers());

        List<(ulong, string?)> Answers() => [.. _parts.TakeEvents().Cast<AgentEvent.Applied>().Select(a => (a.Revision, a.Error))];
    }

    [Fact]
    public void An_agent_that_connects_again_and_again_waits_with_its_last_stream_alone()
    {
        Inbox.Post(new AgentEvent.Applied(Name, 1, null, []));
        for (var i = 0; i < 1000; i++)
        {
            Inbox.Post(new AgentEvent.Disconnected(Name));
            Inbox.Post(new AgentEvent.Connected(Hello(i)));
            Inbox.Post(new AgentEvent.Applied(Name, 2, null, []));
            Inbox.Post(new AgentEvent.Vanished(Hello(i), [], IsWitnessed: true));
        }

        Assert.Collection(
            _parts.TakeEvents(),
            e => Assert.Equal(1UL, Assert.IsType<AgentEvent.Applied>(e).Revision),
            e => Assert.IsType<AgentEvent.Disconnected>(e),
            e => Assert.Equal("999", Assert.IsType<AgentEvent.Connected>(e).Hello.AgentVersion),
            e => Assert.Equal(2UL, Assert.IsType<AgentEvent.Applied>(e).Revision),
            e => Assert.IsType<AgentEvent.Vanished>(e));
    }

    [Fact]
    public void A_stream_that_began_and_ended_meanwhile_leaves_only_its_end()
    {
        Inbox.Post(new AgentEvent.Connected(Hello(1)));
        Inbox.Post(new AgentEvent.Applied(Name, 2, null, []));
        Inbox.Post(new AgentEvent.Disconnected(Name));
        Assert.IsType<AgentEvent.Disconnected>(Assert.Single(_parts.TakeEvents()));
    }

    [Fact]
    public void That_other_agents_have_seen_a_node_go_is_not_replaced_by_a_guess()
    {
        foreach (var isWitnessed in new[] { false, true, false }) Inbox.Post(new AgentEvent.Vanished(Hello(1), [], isWitnessed));
        Assert.True(Assert.IsType<AgentEvent.Vanished>(Assert.Single(_parts.TakeEvents())).IsWitnessed);
    }

    [Fact]
    public void Endpoints_that_an_agent_makes_up_have_a_bound()
    {
        for (var i = 0; i < 2 * WaitingEvents.MostEndpoints; i++) Inbox.Post(new AgentEvent.Health(Name, [(Sample.Uid(i), EndpointHealth.Healthy, null)]));
        Inbox.Post(new AgentEvent.Health(Name, [(Sample.Uid(0), EndpointHealth.Unhealthy, null)]));
        var health = Assert.IsType<AgentEvent.Health>(Assert.Single(_parts.TakeEvents()));
        Assert.Equal((WaitingEvents.MostEndpoints, WaitingEvents.MostEndpoints), (health.Endpoints.Count, health.LeftOut));
        Assert.Equal(EndpointHealth.Unhealthy, health.Endpoints.Single(e => e.Uid == Sample.Uid(0)).Health);
    }

    /// <summary>Whatever agents say, and however much of it waits: in the end each is connected by the same stream, or not at all, and its last words are the same.</summary>
    [Fact]
    public void What_is_left_ends_where_all_of_it_ends()
    {
        for (var seed = 0; seed < 2000; seed++)
        {
            var random = new Random(seed);
            var posted = new List<AgentEvent>();
            var (handled, waiting) = (new List<AgentEvent>(), new WaitingEvents());
            var streams = new Dictionary<string, int>();
            for (var i = 1; i <= 60; i++)
            {
                var name = $"compute{random.Next(2)}";
                AgentEvent next = (streams.ContainsKey(name) ? random.Next(7) : 0) switch
                {
                    0 when !streams.ContainsKey(name) => new AgentEvent.Connected(Hello(streams[name] = i, name)),
                    0 when streams.Remove(name) => new AgentEvent.Disconnected(name),
                    1 => new AgentEvent.Applied(name, (ulong)i, $"error {i}", []),
                    2 => new AgentEvent.Noticed(name, $"{i}"),
                    3 => new AgentEvent.Health(name, [(Sample.Uid(random.Next(3)), EndpointHealth.Healthy, $"{i}")]),
                    _ => new AgentEvent.Applied(name, (ulong)i, null, [Refusal(random.Next(3))]),
                };
                posted.Add(next);
                waiting.Add(next);
                Assert.True(waiting.Count <= 2 * 10, $"{waiting.Count} wait (seed {seed})");
                if (random.Next(10) == 0) Take(random.Next(4));
            }

            Take(int.MaxValue);
            foreach (var name in new[] { "compute0", "compute1" }) Assert.True(End(posted, name) == End(handled, name), $"{End(posted, name)} became {End(handled, name)} (seed {seed})");

            void Take(int most)
            {
                for (var i = 0; i < most && waiting.TryTake(out var taken); i++) handled.Add((AgentEvent)taken);
            }
        }

        static string End(List<AgentEvent> events, string name)
        {
            var (stream, applied, error, notice, refused) = ("none", 0UL, "none", "none", "none");
            var health = new SortedDictionary<Guid, string?>();
            foreach (var e in events.Where(e => e.Name == name))
            {
                switch (e)
                {
                    case AgentEvent.Connected c:
                        (stream, applied, error, notice, refused) = (c.Hello.AgentVersion!, 0, "none", "none", "none");
                        health.Clear();
                        break;
                    case AgentEvent.Disconnected:
                        (stream, applied, error, notice, refused) = ("none", 0, "none", "none", "none");
                        health.Clear();
                        break;
                    case AgentEvent.Applied { Error: null } a: (applied, error, refused) = (Math.Max(applied, a.Revision), "none", a.Refused[0].Reason); break;
                    case AgentEvent.Applied a: error = a.Error!; break;
                    case AgentEvent.Noticed n: notice = n.Message!; break;
                    case AgentEvent.Health h: foreach (var one in h.Endpoints) health[one.Uid] = one.Message; break;
                }
            }

            return $"stream {stream}, applied {applied}, error {error}, notice {notice}, refused {refused}, health {string.Join(' ', health.Values)}";
        }
    }

    private static VRouterHello Hello(int number, string name = Name) => new(name, IPAddress.Parse("172.27.115.242"), null, $"{number}");

    private static VRouterRefusal Refusal(int number) => new(new VirtualRouterItem.FloatingIP(Sample.AddressOf(1)), $"refusal {number}");
}
