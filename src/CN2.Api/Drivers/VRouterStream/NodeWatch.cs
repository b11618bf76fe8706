using System.Diagnostics.Metrics;
using System.Net;
using CN2.Api.Options;

namespace CN2.Api.Drivers.VRouterStream;

/// <summary>
/// Finds nodes that are gone within the short time of <see cref="VRouterOptions.VanishedAfter"/>. Silence alone proves nothing in so short a time, so a
/// node has vanished only when three things come together: its agent, which sends pulses, was silent for the whole limit; this process was awake all
/// that time (after a stall, everybody gets the whole limit again); and agents of other nodes, which are asked over their streams, do not reach the node.
/// That says something only of a node that was reached before, so each node is tried once after its agent has connected, and again until it is reached.
/// When there is no other agent, the silence must last <see cref="VRouterOptions.VanishedAloneAfter"/>.
/// <para>
/// It only reports (<see cref="IVRouterListener.Vanished"/>): whether many are silent at once, which is nobody's loss, is decided by who knows what
/// they carry. With the default settings it does nothing. All members may be called from any thread.
/// </para>
/// </summary>
internal sealed partial class NodeWatch : BackgroundService
{
    /// <summary>So many agents are asked about one node.</summary>
    public const int Witnesses = 2;

    /// <summary>So many nodes are asked about at a time; the others wait.</summary>
    public const int MostQuestions = 32;

    /// <summary>So many nodes are tried at a time.</summary>
    public const int MostTrials = 8;

    /// <summary>When a node was not reached so often, the log says so, once.</summary>
    private const int MissesToTell = 2;

    /// <summary>A node that was not reached is tried again after this time.</summary>
    public static readonly TimeSpan TryAgainAfter = TimeSpan.FromSeconds(10);

    /// <summary>A node that answered, that was reported, or whose agent spoke again, is asked about again after this time.</summary>
    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromSeconds(1);

    private readonly VRouterStreamPublisher _publisher;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SilencePace? _pace;
    private readonly Lock _lock = new();
    private readonly List<VRouterSession> _sessions = [];
    private readonly Dictionary<VRouterSession, Suspicion> _suspicions = [];

    /// <summary>Of nodes that were not reached yet.</summary>
    private readonly Dictionary<VRouterSession, Trial> _trials = [];
    private long _lookedAt;

    /// <summary>Since when this process has been awake.</summary>
    private long _awakeSince;
    private ulong _lastNumber;
    private uint _lastWitness;
    private long _questions;
    private long _stalls;

    public NodeWatch(VRouterStreamPublisher publisher, VRouterOptions options, TimeProvider time, IMeterFactory meters, ILogger<NodeWatch> logger)
    {
        (_publisher, _time, _logger) = (publisher, time, logger);
        _pace = options.VanishedAfter is { } limit ? new SilencePace(limit) : null;
        _lookedAt = _awakeSince = time.GetTimestamp();
        var meter = meters.Create("CN2.VRouters");
        meter.CreateObservableCounter("cn2.vrouter.questions", () => Interlocked.Read(ref _questions), "{question}", "Questions to agents whether the node of a silent agent still answers");
        meter.CreateObservableCounter("cn2.vrouter.stalls", () => Interlocked.Read(ref _stalls), "{stall}", "Times that this process stood still for too long to judge the silence of agents");
    }

    /// <summary>How often agents are to send a Pulse; null: not at all.</summary>
    public TimeSpan? Pulse => _pace?.Pulse;

    /// <summary>The agent of <paramref name="witness"/> has tried to reach the node that a question was about.</summary>
    public void Answered(VRouterSession witness, ulong number, bool reached)
    {
        lock (_lock)
        {
            if (_trials.FirstOrDefault(t => t.Value.Number == number && t.Value.Witness == witness && !t.Value.IsAnswered) is { Key: { } tried, Value: var trial })
            {
                trial.IsAnswered = true;
                if (reached) tried.NodeAnswers = true;
                else if (++trial.Misses == MissesToTell) LogUnreached(tried.Hello.Name, tried.Hello.Address, witness.Hello.Name);
            }
            else if (_suspicions.Values.FirstOrDefault(s => s.Number == number && s.Unanswered.Remove(witness)) is { } suspicion)
            {
                suspicion.Answers++;
                suspicion.Reached |= reached;
            }
            else
            {
                return;
            }
        }

        Look();
    }

    /// <summary>Looks at all agents once.</summary>
    internal void Look()
    {
        if (_pace is not { } pace) return;
        lock (_lock)
        {
            _publisher.CopySessions(_sessions);
            // Only now: what held up the streams may have held up this call.
            var now = _time.GetTimestamp();
            if (_time.GetElapsedTime(_lookedAt, now) > pace.Stall)
            {
                _awakeSince = now;
                Interlocked.Increment(ref _stalls);
            }

            _lookedAt = now;
            List<VRouterSession> silent = [.. _sessions.Where(s => SilenceOf(s, now) >= pace.AskAfter)];
            foreach (var (session, suspicion) in _suspicions.ExceptBy(silent, s => s.Key).ToList())
            {
                suspicion.IsOver = true;
                if (_time.GetElapsedTime(suspicion.AskedAt, now) >= AskAgainAfter) _suspicions.Remove(session);
            }

            Try(pace, silent, now);
            if (silent.Count == 0) return;
            var witnesses = WitnessesBeside(silent);
            var free = MostQuestions - _suspicions.Values.Count(s => s is { Reached: false, Reported: false, IsOver: false } && s.Unanswered.Count > 0 && _time.GetElapsedTime(s.AskedAt, now) < pace.GiveUpAfter);
            foreach (var session in silent)
            {
                if (!IsToAskAbout(session, pace, silent, now)) continue;
                if (_sessions.Count == 1) ReportAlone(session, silent, now);
                else if (session.NodeAnswers && witnesses.Count > 0 && free-- > 0) Ask(session, pace, witnesses, now);
            }
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (_pace is not { } pace) return;
        lock (_lock) _lookedAt = _awakeSince = _time.GetTimestamp(); // the start may have taken long
        using var timer = new PeriodicTimer(pace.Tick, _time);
        while (await timer.WaitForNextTickAsync(stoppingToken)) Look();
    }

    /// <summary>An agent that sends no pulses, because it is older, is never silent here.</summary>
    private TimeSpan SilenceOf(VRouterSession session, long now) => SilenceOf(session, session.HeardAt, now);

    private TimeSpan SilenceOf(VRouterSession session, long heardAt, long now) =>
        session is { HasPulsed: true, IsHeldUp: false } ? _time.GetElapsedTime(Math.Max(heardAt, _awakeSince), now) : TimeSpan.Zero;

    /// <summary>Has a few of the nodes that were not reached yet tried, each by one agent of another node.</summary>
    private void Try(SilencePace pace, List<VRouterSession> silent, long now)
    {
        List<VRouterSession> unknown = [.. _sessions.Where(s => s is { HasPulsed: true, NodeAnswers: false })];
        foreach (var done in _trials.Keys.Except(unknown).ToList()) _trials.Remove(done);
        if (unknown.Count == 0) return;
        var witnesses = WitnessesBeside(silent);
        var free = MostTrials - _trials.Values.Count(t => !t.IsAnswered && _time.GetElapsedTime(t.AskedAt, now) < pace.GiveUpAfter);
        var withoutAnswer = pace.GiveUpAfter > AskAgainAfter ? pace.GiveUpAfter : AskAgainAfter;
        // Those that were never tried, or longest ago, first: nodes that nobody reaches keep no other one waiting.
        foreach (var session in unknown.Except(silent).OrderBy(s => _trials.GetValueOrDefault(s)?.AskedAt ?? long.MinValue))
        {
            var before = _trials.GetValueOrDefault(session);
            if (before is not null && _time.GetElapsedTime(before.AskedAt, now) < (before.IsAnswered ? TryAgainAfter : withoutAnswer)) continue;
            if (free-- <= 0) return;
            if (InTurn(witnesses).FirstOrDefault(w => w != session) is not { } witness) return;
            _trials[session] = new Trial(++_lastNumber, now, witness) { Misses = before?.Misses ?? 0 };
            witness.Send(VRouterMessages.Question(_lastNumber, session.Hello.Address, pace.AnswerWithin));
        }
    }

    /// <summary>Judges it by the answers that have come. True: there are none, and others are to be asked.</summary>
    private bool IsToAskAbout(VRouterSession session, SilencePace pace, List<VRouterSession> silent, long now)
    {
        if (!_suspicions.TryGetValue(session, out var suspicion)) return true;
        var asked = _time.GetElapsedTime(suspicion.AskedAt, now);
        if (suspicion.Reached || suspicion.Reported || suspicion.IsOver) return asked >= AskAgainAfter;
        var isOver = asked >= pace.GiveUpAfter;
        if (suspicion.Answers == 0) return isOver;
        var heardAt = session.HeardAt;
        if ((suspicion.Unanswered.Count > 0 && !isOver) || SilenceOf(session, heardAt, now) < pace.Limit) return false;
        suspicion.Reported = true;
        Report(session, heardAt, silent, isWitnessed: true);
        return false;
    }

    private void Ask(VRouterSession session, SilencePace pace, List<VRouterSession> witnesses, long now)
    {
        var suspicion = _suspicions[session] = new Suspicion(++_lastNumber, now);
        foreach (var witness in InTurn(witnesses).Take(Witnesses))
        {
            suspicion.Unanswered.Add(witness);
            Interlocked.Increment(ref _questions);
            witness.Send(VRouterMessages.Question(suspicion.Number, session.Hello.Address, pace.AnswerWithin));
        }
    }

    /// <summary>Those that can be asked about the others.</summary>
    private List<VRouterSession> WitnessesBeside(List<VRouterSession> silent) => [.. _sessions.Where(s => s.HasPulsed).Except(silent)];

    /// <summary>So that one that cannot answer is not asked for ever.</summary>
    private IEnumerable<VRouterSession> InTurn(List<VRouterSession> witnesses)
    {
        var first = witnesses.Count == 0 ? 0 : (int)(_lastWitness++ % (uint)witnesses.Count);
        return witnesses.Skip(first).Concat(witnesses.Take(first));
    }

    private void ReportAlone(VRouterSession session, List<VRouterSession> silent, long now)
    {
        var heardAt = session.HeardAt;
        if (SilenceOf(session, heardAt, now) < VRouterOptions.VanishedAloneAfter) return;
        _suspicions[session] = new Suspicion(++_lastNumber, now) { Reported = true };
        Report(session, heardAt, silent, isWitnessed: false);
    }

    /// <param name="heardAt">What was judged: something that is heard meanwhile ends the suspicion.</param>
    private void Report(VRouterSession session, long heardAt, List<VRouterSession> silent, bool isWitnessed)
    {
        string[] names = [.. silent.Select(s => s.Hello.Name)];
        session.MarkVanished(heardAt);
        _publisher.Tell(session, l => l.Vanished(session.Hello, names, isWitnessed));
    }

    /// <summary>What others were asked about a silent agent.</summary>
    private sealed class Suspicion(ulong number, long askedAt)
    {
        public ulong Number => number;

        public long AskedAt => askedAt;

        public HashSet<VRouterSession> Unanswered { get; } = [];

        public int Answers { get; set; }

        public bool Reached { get; set; }

        public bool Reported { get; set; }

        /// <summary>The agent spoke again.</summary>
        public bool IsOver { get; set; }
    }

    /// <summary>Whether another agent reaches a node whose agent speaks.</summary>
    private sealed class Trial(ulong number, long askedAt, VRouterSession witness)
    {
        public ulong Number => number;

        public long AskedAt => askedAt;

        public VRouterSession Witness => witness;

        public bool IsAnswered { get; set; }

        /// <summary>So often agents have said that they do not reach the node.</summary>
        public int Misses { get; set; }
    }

    [LoggerMessage(EventId = 248, Level = LogLevel.Warning,
        Message = "The node of vRouter {Name} ({Address}) answers neither echo requests nor TCP connections of {Witness}: when it dies, that is not noticed within VRouters__LostAfterSeconds, but after 10 s")]
    private partial void LogUnreached(string name, IPAddress address, string witness);
}
