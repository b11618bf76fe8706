using System.Threading.Channels;
using CN2.Api.Threading;
using Grpc.Core;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// Feeds the <see cref="ImportTable"/>. One stream of the engine reports sessions and the routes that peers send, in their order, before the
/// import policy rejects them. Routes from before the stream (the session was up, or the route target was not imported yet) are read from
/// the engine's table of that peer. The stream is open only while there is a VPN route to learn or a membership to count.
/// </summary>
internal sealed class ImportWatch(GoBgpEngine engine, ImportTable table, ImportedPathDecoder decoder, TimeProvider time, ILogger logger)
{
    /// <summary>How often to look for what time alone changes: routes that expire, a peer that has sent everything.</summary>
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(500);

    /// <summary>A peer without End-of-RIB markers is taken to have sent everything when it has sent nothing for this long.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(5);

    /// <summary>The same for a peer with End-of-RIB markers: time for events that are still on their way.</summary>
    private static readonly TimeSpan ShortSilence = TimeSpan.FromSeconds(1);

    /// <summary>Minimum time between two readings of peers over a limit; <see cref="ReadingPace.Share"/> times what one took if that is more.</summary>
    private static readonly TimeSpan RecheckInterval = TimeSpan.FromSeconds(2);

    /// <summary>After this time the engine has sent a new session everything, even if the router sent no End-of-RIB for its memberships.</summary>
    private static readonly TimeSpan FirstSending = TimeSpan.FromSeconds(PeerMapper.DeferralTime + 1);

    private readonly Lock _lock = new();
    private readonly List<TaskCompletionSource> _waiting = [];
    private readonly AsyncSignal _wake = new();

    /// <summary>Readings after the session of a peer was lost.</summary>
    private readonly ReadingPace _sweeps = new(time);

    private bool _connected;
    private bool _wanted;

    /// <summary>The table has changes, or the counts or limits of a session may have changed.</summary>
    public event Action? Changed;

    /// <summary>The engine answers; <see cref="RunAsync"/> follows.</summary>
    public void Connected()
    {
        lock (_lock) _connected = true;
    }

    /// <summary>The engine is away: sessions are down, and callers that wait for its routes go on.</summary>
    public void Lost()
    {
        table.AllDown();
        lock (_lock)
        {
            _connected = false;
            foreach (var waiting in _waiting) waiting.TrySetResult();
            _waiting.Clear();
        }
    }

    /// <summary>Peers or route targets changed. Completes when the routes that peers have sent already are known, or the engine is away.</summary>
    public Task ChangedAsync(bool wanted)
    {
        lock (_lock)
        {
            _wanted = wanted;
            if (!_connected || !wanted)
            {
                Wake();
                return Task.CompletedTask;
            }
            var known = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Add(known);
            Wake();
            return known.Task;
        }
    }

    /// <summary>Runs until the engine ends the stream, or throws what ended it.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            while (!Wanted) await _wake.WaitAsync(cancellationToken);
            using var watch = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            try
            {
                await WatchAsync(watch);
                return;
            }
            catch (Exception e) when (e is OperationCanceledException or RpcException { StatusCode: StatusCode.Cancelled } && !cancellationToken.IsCancellationRequested && watch.IsCancellationRequested)
            {
                // The stream is not needed any more; if it is needed again already, it is opened again.
                table.AllDown();
            }
        }
    }

    private bool Wanted
    {
        get
        {
            lock (_lock) return _wanted;
        }
    }

    private async Task WatchAsync(CancellationTokenSource watch)
    {
        var token = watch.Token;
        using var call = engine.WatchReceived(token);
        // Bounded: while a table is read, later events wait in the engine.
        var events = Channel.CreateBounded<Wire.WatchEventResponse>(new BoundedChannelOptions(256) { SingleReader = true, SingleWriter = true });
        var pump = PumpAsync(call.ResponseStream, events.Writer, token);
        try
        {
            var known = false;
            var (rechecked, pause) = (time.GetTimestamp(), RecheckInterval);
            while (true)
            {
                await WaitAsync(events.Reader, known, token);
                while (events.Reader.TryRead(out var e)) known |= Observe(e, known);
                if (events.Reader.Completion.IsCompleted) break;
                if (!Wanted)
                {
                    await watch.CancelAsync();
                    token.ThrowIfCancellationRequested();
                }
                if (!known) continue;

                List<TaskCompletionSource> waiting;
                lock (_lock)
                {
                    waiting = [.. _waiting];
                    _waiting.Clear();
                }
                try
                {
                    var isRecheck = time.GetElapsedTime(rechecked) >= pause;
                    if (isRecheck)
                    {
                        table.RecheckOverflowing();
                        rechecked = time.GetTimestamp();
                    }
                    foreach (var peer in table.ToBeListed()) await ListAsync(peer, sweep: false, token);
                    if (isRecheck) pause = TimeSpan.FromTicks(Math.Max(RecheckInterval.Ticks, time.GetElapsedTime(rechecked).Ticks * ReadingPace.Share));
                    foreach (var (peer, silence) in table.WithStaleRoutes())
                    {
                        if (silence < ShortSilence || !_sweeps.IsDue(peer.Name) || !await HasSentEverythingAsync(peer, silence, token)) continue;
                        var began = time.GetTimestamp();
                        await ListAsync(peer, sweep: true, token);
                        _sweeps.Note(peer.Name, began);
                    }
                    foreach (var (peer, up) in table.WithNewMemberships())
                        if (up >= FirstSending || await HasSentMembershipsAsync(peer, token)) await SendAgainAsync(peer, token);
                    table.Expire();
                }
                finally
                {
                    foreach (var one in waiting) one.TrySetResult();
                }
                Changed?.Invoke();
            }
            await pump;
        }
        finally
        {
            await watch.CancelAsync();
            await pump.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    private async Task WaitAsync(ChannelReader<Wire.WatchEventResponse> events, bool known, CancellationToken cancellationToken)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (known && table.NeedsTime) waiting.CancelAfter(Tick);
        var woken = _wake.WaitAsync(waiting.Token);
        var read = events.WaitToReadAsync(waiting.Token).AsTask();
        await Task.WhenAny(woken, read);
        await waiting.CancelAsync();
        try
        {
            await Task.WhenAll(woken, read);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // One of the two is done, or the tick is over.
        }
    }

    private static async Task PumpAsync(
        IAsyncStreamReader<Wire.WatchEventResponse> stream, ChannelWriter<Wire.WatchEventResponse> events, CancellationToken cancellationToken)
    {
        try
        {
            while (await stream.MoveNext(cancellationToken)) await events.WriteAsync(stream.Current, cancellationToken);
        }
        finally
        {
            events.Complete();
        }
    }

    /// <summary>True when the event ends the report of the sessions that were up before the stream.</summary>
    private bool Observe(Wire.WatchEventResponse e, bool known)
    {
        if (e.Peer is { } session)
        {
            if (session.Type == Wire.WatchEventResponse.Types.PeerEvent.Types.Type.EndOfInit) return true;
            if (session.Peer?.Conf is not { NeighborAddress: var address }) return false;
            if (session.Peer.State?.SessionState == Wire.PeerState.Types.SessionState.Established) table.Up(address, mustList: !known);
            else table.Down(address);
            return false;
        }
        foreach (var path in e.Table?.Paths ?? [])
        {
            if (PathMapper.IsLocal(path)) continue;
            if (RouteFamilies.RouteTarget.Equals(path.Family))
            {
                if (ImportedPathDecoder.DecodeMembership(path) is { IsReadable: true, Membership: var membership }) table.ApplyMembership(path.NeighborIp, membership, path.IsWithdraw);
            }
            else if (Decode(path) is { } learned)
            {
                table.Apply(path.NeighborIp, learned);
            }
        }
        return false;
    }

    private LearnedRoute? Decode(Wire.Path path)
    {
        if (path.Family is not { Safi: 128 }) return null;
        var learned = decoder.Decode(path);
        if (learned is null) logger.RouteUnreadable(path.NeighborIp);
        else if (learned.Value.Fault is { } fault) logger.RouteUnusable(path.NeighborIp, learned.Value.RouteDistinguisher, learned.Value.Prefix.ToString(), fault);
        return learned;
    }

    private async Task ListAsync(BgpPeer peer, bool sweep, CancellationToken cancellationToken)
    {
        var address = peer.Address.ToString();
        var routes = new List<LearnedRoute>();
        var memberships = new List<RouteTargetMembership?>();
        try
        {
            foreach (var family in RouteFamilies.Vpn)
            {
                if (!peer.AddressFamilies.Contains(family.Name())) continue;
                await foreach (var path in engine.ListReceivedAsync(address, family.ToWire(), cancellationToken))
                    // The router has sent everything; what the engine still keeps from before its restart is gone.
                    if (!(sweep && path.Stale) && Decode(path) is { } learned) routes.Add(learned);
            }
            if (peer.AddressFamilies.Contains("route-target"))
                await foreach (var path in engine.ListReceivedAsync(address, RouteFamilies.RouteTarget, cancellationToken))
                    if (ImportedPathDecoder.DecodeMembership(path) is { IsReadable: true, Membership: var membership }) memberships.Add(membership);
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Unknown)
        {
            // The peer has been deleted.
        }
        table.ApplyListing(address, routes, memberships, sweep);
    }

    /// <summary>The peer sent an End-of-RIB marker for each VPN family in session, or it sends none and has been silent for long.</summary>
    private async Task<bool> HasSentEverythingAsync(BgpPeer peer, TimeSpan silence, CancellationToken cancellationToken)
    {
        if ((await engine.ListPeersAsync(peer.Address.ToString(), cancellationToken)).FirstOrDefault() is not { } actual) return false;
        if (!PeerCapabilities.SendsEndOfRib(actual)) return silence >= Silence;
        return actual.AfiSafis.All(a => a.Config?.Family is not { Safi: 128 } || a.MpGracefulRestart?.State?.EndOfRibReceived == true
            || !PeerCapabilities.IsNegotiated(actual, a.Config.Family));
    }

    /// <summary>
    /// The engine sends a new session no route before the router's End-of-RIB for its memberships. If routes were sent earlier, the engine's
    /// own End-of-RIB would make the router drop routes that it has not got back yet.
    /// </summary>
    private async Task<bool> HasSentMembershipsAsync(BgpPeer peer, CancellationToken cancellationToken) =>
        (await engine.ListPeersAsync(peer.Address.ToString(), cancellationToken)).FirstOrDefault()?.AfiSafis
            .Any(a => RouteFamilies.RouteTarget.Equals(a.Config?.Family) && a.MpGracefulRestart?.State?.EndOfRibReceived == true) == true;

    /// <summary>When a membership changes later, the engine withdraws routes by itself but does not send the new ones: the membership is not in its table.</summary>
    private async Task SendAgainAsync(BgpPeer peer, CancellationToken cancellationToken)
    {
        var address = peer.Address.ToString();
        table.MarkSent(address);
        try
        {
            await engine.ResetOutAsync(address, cancellationToken);
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Unknown)
        {
            // The peer has been deleted.
        }
    }

    private void Wake() => _wake.Set();
}
