using System.Diagnostics.Metrics;
using System.Net;
using System.Threading.Channels;
using CN2.Api.Drivers;
using CN2.Api.Drivers.VRouterStream;
using CN2.Api.Options;
using CN2.Api.Tests.Reconcile;
using CN2.VRouter.V1;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace CN2.Api.Tests.Drivers.VRouterStream;

/// <summary>When a silent agent's node is reported as gone, on fake time. The limit is 0.5 s, a look comes every 25 ms; agents are played by the test.</summary>
public sealed class NodeWatchTests : IAsyncDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly DateTimeOffset _began;
    private readonly VRouterStreamPublisher _publisher;
    private readonly Reports _reports = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly RecordedLog _recorded = new();
    private readonly ServiceProvider _services;
    private readonly NodeWatch _watch;
    private readonly List<Agent> _agents = [];

    public NodeWatchTests()
    {
        _services = new ServiceCollection().AddMetrics().AddLogging(l => l.AddProvider(_recorded)).BuildServiceProvider();
        _publisher = new VRouterStreamPublisher(_time);
        _began = _time.GetUtcNow();
        _watch = NewWatch(0.5);
        _publisher.Listen(_reports);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        foreach (var agent in _agents) await agent.Writing.ContinueWith(_ => { }, TaskScheduler.Default);
        _watch.Dispose();
        _publisher.Dispose();
        _stop.Dispose();
        await _services.DisposeAsync();
    }

    [Theory]
    [InlineData(0.3)]
    [InlineData(0.5)]
    [InlineData(2.9)]
    public void Every_time_of_the_pace_leaves_room_for_the_next_step(double seconds)
    {
        var pace = new SilencePace(TimeSpan.FromSeconds(seconds));
        Assert.True(3 * pace.Pulse < pace.Limit, "three pulses may be late");
        Assert.True(2 * pace.Pulse < pace.AskAfter, "one pulse may be lost before anybody is asked");
        Assert.True(pace.AskAfter + pace.AnswerWithin < pace.Limit, "the answers come in time");
        Assert.True(pace.AnswerWithin < pace.GiveUpAfter && pace.Stall < pace.Limit && pace.Tick > TimeSpan.FromMilliseconds(10));
    }

    [Fact]
    public void With_the_default_agents_send_no_pulses_and_nobody_is_asked()
    {
        using var watch = NewWatch(10);
        Assert.Null(watch.Pulse);
        Assert.Equal(0u, VRouterMessages.Welcome(watch.Pulse).Welcome.PulseMilliseconds);
        Assert.Equal(100u, VRouterMessages.Welcome(_watch.Pulse).Welcome.PulseMilliseconds);
    }

    [Fact]
    public async Task A_node_is_gone_when_its_agent_is_silent_for_the_limit_and_two_others_do_not_reach_it()
    {
        var (dead, two, three) = (Connect("dead"), Connect("two"), Connect("three"));
        Pass(0.25, two, three);
        var question = await two.QuestionAsync();
        Assert.Equal((dead.Address, 200u), (new IPAddress(question.Address.Span), question.WithinMilliseconds));
        Assert.Equal(question, await three.QuestionAsync());
        Pass(0.2, two, three);
        two.Answer(question, reached: false);
        three.Answer(question, reached: false);
        Assert.Empty(_reports.Taken()); // it has 50 ms left to speak
        Pass(0.05, two, three);
        Assert.Equal(["dead is gone, witnessed; silent: dead"], _reports.Taken());
        Assert.True(_publisher.EndVanished(dead.Hello, "it is gone"));
    }

    [Fact]
    public async Task A_node_that_answers_anybody_is_not_gone_and_is_asked_about_again_later()
    {
        var (stopped, two, three) = (Connect("stopped"), Connect("two"), Connect("three"));
        Pass(0.25, two, three);
        var question = await two.QuestionAsync();
        two.Answer(question, reached: false);
        three.Answer(await three.QuestionAsync(), reached: true);
        Pass(0.95, two, three);
        Assert.Empty(_reports.Taken());
        Assert.Equal(0, two.Questions);
        Pass(0.05, two, three);
        // Now the node has died too.
        question = await two.QuestionAsync();
        two.Answer(question, reached: false);
        three.Answer(await three.QuestionAsync(), reached: false);
        Assert.Equal(["stopped is gone, witnessed; silent: stopped"], _reports.Taken());
    }

    [Fact]
    public async Task One_witness_is_enough_when_the_other_does_not_answer_and_none_is_not()
    {
        var (dead, two, three) = (Connect("dead"), Connect("two"), Connect("three"));
        Pass(0.25, two, three);
        await two.QuestionAsync();
        await three.QuestionAsync();
        Pass(0.325, two, three);
        Assert.Empty(_reports.Taken()); // nobody has answered: others are asked, here the same again
        two.Answer(await two.QuestionAsync(), reached: false);
        await three.QuestionAsync();
        Pass(0.3, two, three);
        Assert.Empty(_reports.Taken());
        Pass(0.025, two, three);
        Assert.Equal(["dead is gone, witnessed; silent: dead"], _reports.Taken());
        Assert.True(dead.Session.HasVanished);
    }

    [Fact]
    public async Task Who_speaks_again_is_not_gone_and_answers_of_before_count_for_nothing()
    {
        var (slow, two, three) = (Connect("slow"), Connect("two"), Connect("three"));
        Pass(0.45, two, three);
        var (question, other) = (await two.QuestionAsync(), await three.QuestionAsync());
        slow.Pulse();
        Pass(0.025, two, three);
        two.Answer(question, reached: false);
        three.Answer(other, reached: false);
        Pass(0.2, two, three);
        Assert.Empty(_reports.Taken());
        Assert.Equal(0, two.Questions);
    }

    [Fact]
    public async Task What_is_heard_between_the_report_and_the_decision_keeps_the_stream()
    {
        var (dead, two, _) = (Connect("dead"), Connect("two"), Connect("old", pulses: false));
        Pass(0.25, two);
        two.Answer(await two.QuestionAsync(), reached: false);
        Pass(0.25, two);
        Assert.Single(_reports.Taken());
        dead.Pulse();
        Assert.False(_publisher.EndVanished(dead.Hello, "it is gone"));
        Assert.Null(dead.Session.Ending);
    }

    [Fact]
    public void After_this_process_stood_still_everybody_has_the_whole_limit_again()
    {
        var (dead, two, three) = (Connect("dead"), Connect("two"), Connect("three"));
        Pass(0.2, two, three);
        _time.Advance(TimeSpan.FromSeconds(2)); // stopped: nobody looked, and nobody was heard
        _watch.Look();
        Pass(0.225, two, three);
        Assert.Equal(0, two.Questions);
        Pass(0.025, two, three);
        Eventually.True(() => two.Questions == 1, "only now it is asked about");
        Assert.Empty(_reports.Taken());
        Assert.False(dead.Session.HasVanished);
    }

    [Fact]
    public void An_agent_alone_is_gone_after_three_seconds_of_silence()
    {
        Connect("alone");
        Pass(2.95);
        Assert.Empty(_reports.Taken());
        Pass(0.05);
        Assert.Equal(["alone is gone, alone; silent: alone"], _reports.Taken());
        Pass(0.95);
        Assert.Empty(_reports.Taken());
        Pass(0.1);
        Assert.Single(_reports.Taken());
    }

    [Fact]
    public void An_agent_among_older_ones_which_cannot_be_asked_is_not_alone()
    {
        Connect("new");
        Connect("old", pulses: false);
        Pass(6);
        Assert.Empty(_reports.Taken());
    }

    [Fact]
    public async Task A_node_that_nobody_has_reached_before_is_not_gone_because_nobody_reaches_it()
    {
        var (walled, two, three) = (Connect("walled", answers: false), Connect("two"), Connect("three"));
        Pass(0.025, walled, two, three);
        var asked = await AskedAsync(two, three);
        asked.Agent.Answer(asked.Question, reached: false);
        Pass(NodeWatch.TryAgainAfter.TotalSeconds - 0.025, walled, two, three);
        Assert.Equal(0, two.Questions + three.Questions);
        Assert.Empty(_recorded.Lines);
        Pass(0.025, walled, two, three);
        asked = await AskedAsync(two, three);
        asked.Agent.Answer(asked.Question, reached: false);
        Assert.Contains("walled", Assert.Single(_recorded.Lines).Text, StringComparison.Ordinal);
        asked.Agent.Answer(asked.Question, reached: false); // once more
        Pass(NodeWatch.TryAgainAfter.TotalSeconds, walled, two, three);
        asked = await AskedAsync(two, three);
        asked.Agent.Answer(asked.Question, reached: false);
        Assert.Single(_recorded.Lines); // it is said once
        Pass(5, two, three);
        Assert.Empty(_reports.Taken());
        Assert.Equal(0, two.Questions + three.Questions);
    }

    [Fact]
    public async Task A_node_is_tried_until_it_is_reached()
    {
        var (late, two) = (Connect("late", answers: false), Connect("two"));
        Pass(0.025, late, two);
        var lost = await two.QuestionAsync(); // without an answer
        Pass(0.975, late, two);
        Assert.Equal(0, two.Questions);
        Pass(0.025, late, two);
        var question = await two.QuestionAsync();
        Assert.Equal(late.Address, new IPAddress(question.Address.Span));
        two.Answer(lost, reached: true); // too late
        Assert.False(late.Session.NodeAnswers);
        late.Answer(question, reached: true); // nobody speaks for itself
        Assert.False(late.Session.NodeAnswers);
        two.Answer(question, reached: true);
        Pass(30, late, two);
        Assert.Equal(0, two.Questions);
        Pass(0.25, two);
        two.Answer(await two.QuestionAsync(), reached: false);
        Pass(0.25, two);
        Assert.Equal(["late is gone, witnessed; silent: late"], _reports.Taken());
    }

    [Fact]
    public void Of_many_new_nodes_only_so_many_are_tried_at_a_time()
    {
        Agent[] all = [.. Enumerable.Range(0, 20).Select(i => Connect($"new{i}", answers: false))];
        Pass(0.3, all);
        Eventually.True(() => all.Sum(a => a.Questions) >= NodeWatch.MostTrials, "they are tried");
        Assert.Equal(NodeWatch.MostTrials, all.Sum(a => a.Questions));
        Pass(0.05, all);
        Eventually.True(() => all.Sum(a => a.Questions) == 2 * NodeWatch.MostTrials, "those that nobody answered for make room");
    }

    [Fact]
    public async Task Nodes_that_nobody_reaches_keep_no_other_one_waiting()
    {
        Agent[] all = [.. Enumerable.Range(0, 5 * NodeWatch.MostTrials).Select(i => Connect($"walled{i}", answers: false)), Connect("good", answers: false)];
        while (!all[^1].Session.NodeAnswers)
        {
            Pass(0.25, all);
            foreach (var agent in all)
            {
                while (agent.Questions > 0)
                {
                    var question = await agent.QuestionAsync();
                    if (new IPAddress(question.Address.Span).Equals(all[^1].Address)) agent.Answer(question, reached: true);
                }
            }

            Assert.True(_time.GetUtcNow() - _began < TimeSpan.FromSeconds(30), "it is tried");
        }
    }

    [Fact]
    public async Task An_agent_that_is_silent_again_and_again_is_asked_about_once_a_second()
    {
        var (odd, two, three) = (Connect("odd"), Connect("two"), Connect("three"));
        for (var i = 0; i < 3; i++)
        {
            Pass(0.3, two, three);
            Pass(0.025, odd, two, three);
        }

        Eventually.True(() => two.Questions == 1 && three.Questions == 1, "it is asked about");
        Pass(0.3, two, three);
        Eventually.True(() => two.Questions == 2, "a second later it is asked about again");
        await two.QuestionAsync();
        var question = await two.QuestionAsync();
        two.Answer(question, reached: false);
        three.Answer(question, reached: false);
        Pass(0.25, two, three);
        Assert.Equal(["odd is gone, witnessed; silent: odd"], _reports.Taken());
    }

    [Fact]
    public void When_all_are_silent_nobody_is_asked_and_nobody_is_gone()
    {
        var (one, two) = (Connect("one"), Connect("two"));
        Pass(20);
        Assert.Empty(_reports.Taken());
        Assert.Equal(0, one.Questions);
        Assert.Equal(0, two.Questions);
    }

    [Fact]
    public void Of_many_that_are_silent_only_so_many_are_asked_about_at_a_time()
    {
        for (var i = 0; i < NodeWatch.MostQuestions + 10; i++) Connect($"silent{i}");
        var witness = Connect("witness");
        Pass(0.275, witness);
        Eventually.True(() => witness.Questions >= NodeWatch.MostQuestions, "the questions are sent");
        Assert.Equal(NodeWatch.MostQuestions, witness.Questions);
    }

    [Fact]
    public async Task An_answer_of_one_that_was_not_asked_counts_for_nothing()
    {
        var (_, two, three, four) = (Connect("dead"), Connect("two"), Connect("three"), Connect("four"));
        Pass(0.25, two, three, four);
        Agent[] all = [two, three, four];
        Eventually.True(() => all.Sum(a => a.Questions) == NodeWatch.Witnesses, "two are asked");
        var asked = all.Where(a => a.Questions > 0).ToList();
        var liar = all.Except(asked).Single();
        var question = await asked[0].QuestionAsync();
        liar.Answer(question, reached: true);
        foreach (var agent in asked) agent.Answer(question, reached: false);
        Pass(0.25, all);
        Assert.Equal(["dead is gone, witnessed; silent: dead"], _reports.Taken());
    }

    /// <summary>The question that one of these was asked, and which.</summary>
    private static async Task<(Agent Agent, WitnessQuestion Question)> AskedAsync(params Agent[] agents)
    {
        Eventually.True(() => agents.Sum(a => a.Questions) == 1, "one is asked");
        var agent = agents.Single(a => a.Questions == 1);
        return (agent, await agent.QuestionAsync());
    }

    private NodeWatch NewWatch(double seconds) => new(_publisher, new VRouterOptions { LostAfterSeconds = seconds }, _time, _services.GetRequiredService<IMeterFactory>(), _services.GetRequiredService<ILogger<NodeWatch>>());

    /// <param name="answers">Its node was reached by another one before.</param>
    private Agent Connect(string name, bool pulses = true, bool answers = true)
    {
        var hello = new VRouterHello(name, new IPAddress([172, 27, 115, (byte)(_agents.Count + 1)]), null, "1.0");
        var session = new VRouterSession(hello, default, _time, new CancellationTokenSource()) { HasPulsed = pulses, NodeAnswers = answers };
        Assert.True(_publisher.TryAdd(session));
        var agent = new Agent(session, _watch);
        agent.Writing = session.WriteAsync(agent, EncodedMessage.Of(VRouterMessages.Welcome(_watch.Pulse)), _stop.Token);
        _agents.Add(agent);
        return agent;
    }

    /// <summary>Time passes with a look every 25 ms, before which these agents send a pulse.</summary>
    private void Pass(double seconds, params Agent[] speaking)
    {
        for (var i = 0; i < Math.Round(seconds / 0.025); i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(25));
            foreach (var agent in speaking) agent.Pulse();
            _watch.Look();
        }
    }

    private sealed class Agent(VRouterSession session, NodeWatch watch) : IServerStreamWriter<EncodedMessage>
    {
        private readonly Channel<WitnessQuestion> _questions = Channel.CreateUnbounded<WitnessQuestion>();

        public VRouterSession Session => session;

        public VRouterHello Hello => session.Hello;

        public IPAddress Address => Hello.Address;

        public Task Writing { get; set; } = Task.CompletedTask;

        public WriteOptions? WriteOptions { get; set; }

        /// <summary>How many questions wait for an answer.</summary>
        public int Questions => _questions.Reader.Count;

        public void Pulse() => session.Heard();

        public void Answer(WitnessQuestion question, bool reached) => watch.Answered(session, question.Number, reached);

        public async Task<WitnessQuestion> QuestionAsync() => await _questions.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Patience.Seconds(10));

        public Task WriteAsync(EncodedMessage message) => WriteAsync(message, CancellationToken.None);

        public Task WriteAsync(EncodedMessage message, CancellationToken cancellationToken)
        {
            if (ServerMessage.Parser.ParseFrom(message.Bytes.Span).WitnessQuestion is { } question) _questions.Writer.TryWrite(question);
            return Task.CompletedTask;
        }
    }

    private sealed class Reports : IVRouterListener
    {
        private readonly List<string> _lines = [];

        /// <summary>What was reported since the last call.</summary>
        public List<string> Taken()
        {
            List<string> lines = [.. _lines];
            _lines.Clear();
            return lines;
        }

        public void Vanished(VRouterHello hello, IReadOnlyCollection<string> silent, bool isWitnessed) =>
            _lines.Add($"{hello.Name} is gone, {(isWitnessed ? "witnessed" : "alone")}; silent: {string.Join(' ', silent)}");

        public void Connected(VRouterHello hello)
        {
        }

        public void Disconnected(string name)
        {
        }

        public void Applied(string name, ulong revision, string? error, IReadOnlyList<VRouterRefusal> refused)
        {
        }

        public void Health(string name, IReadOnlyList<(Guid Uid, CN2.Network.Resources.EndpointHealth Health, string? Message)> endpoints)
        {
        }

        public void Seen(string name, long repairs)
        {
        }
    }
}
