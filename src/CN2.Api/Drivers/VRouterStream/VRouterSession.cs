using System.Threading.Channels;
using CN2.VRouter.V1;
using Grpc.Core;

namespace CN2.Api.Drivers.VRouterStream;

/// <summary>
/// One agent's stream. What is published is queued and written by the stream's own task; an agent that does not keep up is cut off
/// and comes back for the whole, which is cheaper than everything it has missed.
/// </summary>
/// <param name="stop">The stream's; cancelled when the session must end.</param>
/// <param name="identity">Which node it is by its certificate; null: nobody was asked.</param>
internal sealed class VRouterSession(VRouterHello hello, VRouterKnowledge knows, TimeProvider time, CancellationTokenSource stop, VRouterIdentity? identity = null)
{
    private const long MaximumQueuedDeltaBytes = 16 * 1024 * 1024;
    private const int MaximumQueuedDeltas = 10_000;

    /// <summary>An older agent gets the whole for each change that is too large for it. Each holds the state of its moment in memory until it is written.</summary>
    public const int MaximumQueuedWholes = 10;

    private static readonly EncodedMessage Beat = EncodedMessage.Of(new ServerMessage { Heartbeat = new Heartbeat() });

    private readonly Channel<(IEnumerable<EncodedMessage> Messages, int DeltaBytes, bool IsWhole)> _queue =
        Channel.CreateUnbounded<(IEnumerable<EncodedMessage>, int, bool)>(new UnboundedChannelOptions { SingleReader = true });

    /// <summary>Changes that wait for the stream's turn. Also the lock of what is queued.</summary>
    private readonly List<EncodedMessage> _held = [];

    /// <summary>A turn was asked for and has not come; under the lock.</summary>
    private bool _awaitsTurn;

    private long _heard = time.GetTimestamp();
    private long _queuedBytes;
    private int _queuedDeltas;
    private int _queuedWholes;
    private SessionEnd? _end;
    private long _vanishedAfter;
    private bool _hasInspected;
    private int _newsLeft = MostNews;
    private long _newsAt = time.GetTimestamp();
    private VRouterAnswer _passedOn = VRouterAnswer.Nothing;
    private VRouterAnswer? _waiting;

    public VRouterHello Hello => hello;

    public VRouterIdentity? Identity => identity;

    /// <summary>What the agent understands.</summary>
    public VRouterKnowledge Knows => knows;

    /// <summary>Something was heard of the agent within the last two intervals: a heartbeat is due in each.</summary>
    public bool IsAlive => time.GetElapsedTime(Volatile.Read(ref _heard)) < 2 * HeartbeatProtocol.Interval;

    /// <summary>When something was last heard, as <see cref="TimeProvider.GetTimestamp"/> says it.</summary>
    public long HeardAt => Volatile.Read(ref _heard);

    /// <summary>The agent sends pulses, and so can be asked about other nodes.</summary>
    public bool HasPulsed { get; set; }

    /// <summary>An agent of another node has reached its node: from now on it says something when none does.</summary>
    public bool NodeAnswers { get; set; }

    /// <summary>The agent has sent so much that its next messages wait here: that nothing is heard is not its doing.</summary>
    public bool IsHeldUp { get; set; }

    /// <summary>Its node was found gone, and nothing was heard since.</summary>
    public bool HasVanished => Volatile.Read(ref _vanishedAfter) == HeardAt;

    /// <param name="heardAt">The <see cref="HeardAt"/> that was judged.</param>
    public void MarkVanished(long heardAt) => Volatile.Write(ref _vanishedAfter, heardAt);

    /// <summary>A whole configuration has been queued; only then do deltas mean anything.</summary>
    public bool HasSnapshot { get; private set; }

    /// <summary>What the agent said last about its node; null: nothing.</summary>
    public string? Notice { get; set; }

    /// <summary>What the agent found on its node last; null: it said nothing yet, or does not look.</summary>
    public IReadOnlyList<VRouterNodeFault>? Faults { get; private set; }

    /// <summary>What an agent finds on its node, or refuses, is news so many times at once, and then once a second: each costs a look at the Services that it concerns.</summary>
    public const int MostNews = 5;

    /// <summary>Takes what the agent found; true: it is news. What comes too soon counts when a later heartbeat says it again.</summary>
    public bool Inspected(IReadOnlyList<VRouterNodeFault>? faults)
    {
        if (_hasInspected && (faults is null ? Faults is null : Faults?.SequenceEqual(faults) == true)) return false;
        _hasInspected = true;
        if (!TakeNews()) return false;
        Faults = faults;
        return true;
    }

    /// <summary>
    /// The answer of the agent that is to be passed on now; null: none. One with other refusals or another error than before is news. What comes too soon waits until a
    /// later message of the agent, and of several the last one counts, because it says everything.
    /// </summary>
    /// <param name="answer">What the agent says now; null: something else than an answer.</param>
    public VRouterAnswer? Answered(VRouterAnswer? answer)
    {
        answer ??= _waiting;
        _waiting = null;
        if (answer is null) return null;
        if (answer.SaysElse(_passedOn) && !TakeNews())
        {
            _waiting = answer;
            return null;
        }

        return _passedOn = answer;
    }

    private bool TakeNews()
    {
        var seconds = (int)time.GetElapsedTime(_newsAt).TotalSeconds;
        if (seconds > 0) (_newsLeft, _newsAt) = (Math.Min(MostNews, _newsLeft + seconds), time.GetTimestamp());
        if (_newsLeft == 0) return false;
        _newsLeft--;
        return true;
    }

    /// <summary>How the session was ended from here (silence, overflow, another stream in its place); null: it was not.</summary>
    public SessionEnd? Ending => Volatile.Read(ref _end);

    /// <param name="snapshot">It is enumerated as fast as the stream takes it.</param>
    public void EnqueueWhole(IEnumerable<EncodedMessage> snapshot)
    {
        lock (_held)
        {
            if (Interlocked.Increment(ref _queuedWholes) > MaximumQueuedWholes)
            {
                EndSlow();
                return;
            }

            Release();
            _queue.Writer.TryWrite((snapshot, 0, true));
        }

        HasSnapshot = true;
    }

    /// <param name="parts">One change. What is held is written before it.</param>
    public void Enqueue(IReadOnlyList<EncodedMessage> parts)
    {
        lock (_held)
        {
            if (!TakesMore(parts)) return;
            _held.AddRange(parts);
            Release();
        }
    }

    /// <summary>Holds one change until <see cref="TakeTurn"/>, or until more is queued. True: the caller must ask for that turn; false: it is asked for, or the session has ended.</summary>
    public bool Hold(IReadOnlyList<EncodedMessage> parts)
    {
        lock (_held)
        {
            if (stop.IsCancellationRequested || !TakesMore(parts)) return false;
            _held.AddRange(parts);
            if (_awaitsTurn) return false;
            return _awaitsTurn = true;
        }
    }

    /// <summary>A change waits for the turn.</summary>
    public bool IsHolding
    {
        get
        {
            lock (_held) return _held.Count > 0;
        }
    }

    /// <summary>The stream writes what is held. False: nothing was, or the session has ended.</summary>
    public bool TakeTurn()
    {
        lock (_held)
        {
            _awaitsTurn = false;
            if (stop.IsCancellationRequested) _held.Clear();
            if (_held.Count == 0) return false;
            Release();
            return true;
        }
    }

    /// <summary>Under the lock.</summary>
    private void Release()
    {
        foreach (var part in _held) _queue.Writer.TryWrite(([part], part.Length, false));
        _held.Clear();
    }

    /// <summary>Counts a change as one that waits; false: the session ends instead.</summary>
    private bool TakesMore(IReadOnlyList<EncodedMessage> parts)
    {
        // One change may be larger than the limit: only what an agent leaves waiting counts against it.
        var waits = Interlocked.Read(ref _queuedBytes);
        if (waits > MaximumQueuedDeltaBytes || Volatile.Read(ref _queuedDeltas) > MaximumQueuedDeltas)
        {
            EndSlow();
            return false;
        }

        foreach (var part in parts)
        {
            Interlocked.Add(ref _queuedBytes, part.Length);
            Interlocked.Increment(ref _queuedDeltas);
        }

        return true;
    }

    private void EndSlow() => End("the agent does not keep up; it is to connect again for the whole");

    /// <summary>Queues what is no part of the configuration.</summary>
    public void Send(ServerMessage message) => _queue.Writer.TryWrite(([EncodedMessage.Of(message)], 0, false));

    public void Heard() => Volatile.Write(ref _heard, time.GetTimestamp());

    /// <param name="status">By which the agent tells the kinds of ends apart.</param>
    public void End(string reason, StatusCode status = StatusCode.Aborted)
    {
        Interlocked.CompareExchange(ref _end, new SessionEnd(reason, status), null);
        try
        {
            stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has ended just now.
        }
    }

    /// <summary>Writes the welcome, then the queue and a heartbeat every 2 s until <paramref name="cancellation"/>.</summary>
    public async Task WriteAsync(IServerStreamWriter<EncodedMessage> stream, EncodedMessage welcome, CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(HeartbeatProtocol.Interval, time);
        var beat = timer.WaitForNextTickAsync(cancellation).AsTask();
        // Without the token: a write that is cancelled half way would take away the reason why the session ends. It never waits, being the first.
        await stream.WriteAsync(welcome, CancellationToken.None);
        var message = _queue.Reader.WaitToReadAsync(cancellation).AsTask();
        while (true)
        {
            var next = await Task.WhenAny(beat, message);
            await next;
            if (next == beat)
            {
                await stream.WriteAsync(Beat, cancellation);
                beat = timer.WaitForNextTickAsync(cancellation).AsTask();
                continue;
            }

            while (_queue.Reader.TryRead(out var queued))
            {
                foreach (var part in queued.Messages) await stream.WriteAsync(part, cancellation);
                if (queued.IsWhole) Interlocked.Decrement(ref _queuedWholes);
                if (queued.DeltaBytes == 0) continue;
                Interlocked.Add(ref _queuedBytes, -queued.DeltaBytes);
                Interlocked.Decrement(ref _queuedDeltas);
            }

            message = _queue.Reader.WaitToReadAsync(cancellation).AsTask();
        }
    }

    /// <summary>Ends the stream when the agent has been silent for too long. Apart from writing, which a dead peer may hold up.</summary>
    public async Task WatchSilenceAsync(CancellationToken cancellation)
    {
        // A timer for what is left of the patience, and not one every second: thousands of agents are watched, and a heartbeat is there long before. A delay counts whole milliseconds.
        while (HeartbeatProtocol.Patience - time.GetElapsedTime(Volatile.Read(ref _heard)) is { Ticks: > 0 } left) await Task.Delay(left + TimeSpan.FromMilliseconds(1), time, cancellation);
        End("nothing was heard of the agent for too long");
    }
}
