using System.Diagnostics.Metrics;
using CN2.Api.Options;

namespace CN2.Api.Drivers.VRouterStream;

/// <summary>
/// Finds nodes that are gone within the short time of <see cref="VRouterOptions.VanishedAfter"/>. Silence alone proves nothing in so short a time, so a
/// node has vanished only when three things come together: its agent, which sends pulses, was silent for the whole limit; this process was awake all
/// that time (after a stall, everybody gets the whole limit again); and agents of other nodes, which are asked over their streams, do not reach the node.
/// When there is no other agent, the silence must last <see cref="VRouterOptions.VanishedAloneAfter"/>.
/// <para>
/// It only reports (<see cref="IVRouterListener.Vanished"/>): whether many are silent at once, which is nobody's loss, is decided by who knows what
/// they carry. With the default settings it does nothing. All members may be called from any thread.
/// </para>
/// </summary>
internal sealed class NodeWatch : BackgroundService
{
    /// <summary>So many agents are asked about one node.</summary>
    public const int Witnesses = 2;

    /// <summary>So many nodes are asked about at a time; the others wait.</summary>
    public const int MostQuestions = 32;

    /// <summary>A node that answered, or that was reported, is asked about again after this time.</summary>
    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromSeconds(1);

    private readonly VRouterStreamPublisher _publisher;
    private readonly TimeProvider _time;
    private readonly SilencePace? _pace;
    private readonly Lock _lock = new();
    private readonly List<VRouterSession> _sessions = [];
    private readonly Dictionary<VRouterSession, Suspicion> _suspicions = [];
    private long _lookedAt;

    /// <summary>Since when this process has been awake.</summary>
    private long _awakeSince;
    private ulong _lastNumber;
    private uint _lastWitness;
    private long _questions;
    private long _stalls;

    public NodeWatch(VRouterStreamPublisher publisher, VRouterOptions options, TimeProvider time, IMeterFactory meters)
    {
        (_publisher, _time) = (publisher, time);
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
            if (_suspicions.Values.FirstOrDefault(s => s.Number == number && s.Unanswered.Remove(witness)) is not { } suspicion) return;
            suspicion.Answers++;
            suspicion.Reached |= reached;
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
            foreach (var speaks in _suspicions.Keys.Except(silent).ToList()) _suspicions.Remove(speaks);
            if (silent.Count == 0) return;
            List<VRouterSession> witnesses = [.. _sessions.Where(s => s.HasPulsed).Except(silent)];
            var free = MostQuestions - _suspicions.Values.Count(s => s is { Reached: false, Reported: false } && s.Unanswered.Count > 0 && _time.GetElapsedTime(s.AskedAt, now) < pace.GiveUpAfter);
            foreach (var session in silent)
            {
                if (!IsToAskAbout(session, pace, silent, now)) continue;
                if (_sessions.Count == 1) ReportAlone(session, silent, now);
                else if (witnesses.Count > 0 && free-- > 0) Ask(session, pace, witnesses, now);
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

    /// <summary>Judges it by the answers that have come. True: there are none, and others are to be asked.</summary>
    private bool IsToAskAbout(VRouterSession session, SilencePace pace, List<VRouterSession> silent, long now)
    {
        if (!_suspicions.TryGetValue(session, out var suspicion)) return true;
        var asked = _time.GetElapsedTime(suspicion.AskedAt, now);
        if (suspicion.Reached || suspicion.Reported) return asked >= AskAgainAfter;
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
        // In turn, so that one that cannot answer is not asked for ever.
        var first = (int)(_lastWitness++ % (uint)witnesses.Count);
        foreach (var witness in witnesses.Skip(first).Concat(witnesses.Take(first)).Take(Witnesses))
        {
            suspicion.Unanswered.Add(witness);
            Interlocked.Increment(ref _questions);
            witness.Send(VRouterMessages.Question(suspicion.Number, session.Hello.Address, pace.AnswerWithin));
        }
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
    }
}
