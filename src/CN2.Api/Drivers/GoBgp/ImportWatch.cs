using System.Threading.Channels;
using CN2.Network.Addressing;
using Grpc.Core;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// Feeds the <see cref="ImportTable"/>: one stream of the engine tells sessions and what peers send, before the import policy rejects
/// it, in the order in which it happened. What was there before (a session already up, a route target nobody wanted until now) is read
/// from the engine's table of that peer, in between. Without overlay networks there is no stream.
/// </summary>
internal sealed class ImportWatch(GoBgpEngine engine, ImportTable table, ImportedPathDecoder decoder, TimeProvider time, ILogger logger) : IDisposable
{
    /// <summary>What happens by time alone is looked at so often: routes that expire, an end of RIB.</summary>
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(500);

    /// <summary>A peer that promised no end-of-RIB marker has sent everything when it says nothing for so long.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(5);

    /// <summary>One that did is given time for what is still on its way to us.</summary>
    private static readonly TimeSpan ShortSilence = TimeSpan.FromSeconds(1);

    /// <summary>A peer over its limit is read again at most so often.</summary>
    private static readonly TimeSpan RecheckInterval = TimeSpan.FromSeconds(2);

    /// <summary>After so long the engine has sent a new session everything, whether the router marked the end of its memberships or not.</summary>
    private static readonly TimeSpan FirstSending = TimeSpan.FromSeconds(PeerMapper.DeferralTime + 1);

    private readonly Lock _lock = new();
    private readonly List<TaskCompletionSource> _waiting = [];
    private readonly SemaphoreSlim _wake = new(0, 1);
    private bool _connected;
    private bool _wanted;

    /// <summary>The table has changes, or somebody's counts or limits moved.</summary>
    public event Action? Changed;

    public void Dispose() => _wake.Dispose();

    /// <summary>The engine answers; <see cref="RunAsync"/> follows.</summary>
    public void Connected()
    {
        lock (_lock) _connected = true;
    }

    /// <summary>The engine is away: nobody waits for it.</summary>
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

    /// <summary>Peers or targets are others now. Completes when what peers have sent already is known, or the engine is away.</summary>
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
                // The last overlay network, or the last peer that speaks VPN families, is gone; perhaps there is one again already.
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
        // Bounded: while a table is read, the engine keeps what comes meanwhile.
        var events = Channel.CreateBounded<Wire.WatchEventResponse>(new BoundedChannelOptions(256) { SingleReader = true, SingleWriter = true });
        var pump = PumpAsync(call.ResponseStream, events.Writer, token);
        try
        {
            var known = false;
            var rechecked = time.GetTimestamp();
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
                    if (time.GetElapsedTime(rechecked) >= RecheckInterval)
                    {
                        table.RecheckOverflowing();
                        rechecked = time.GetTimestamp();
                    }
                    foreach (var peer in table.MustList()) await ListAsync(peer, sweep: false, token);
                    foreach (var (peer, silence) in table.Unswept())
                        if (silence >= ShortSilence && await HasToldEverythingAsync(peer, silence, token)) await ListAsync(peer, sweep: true, token);
                    foreach (var (peer, up) in table.WantingMore())
                        if (up >= FirstSending || await HasToldMembershipsAsync(peer, token)) await SendAgainAsync(peer, token);
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
            // One of them came, or the tick.
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

    /// <summary>True when all sessions were told that were up before.</summary>
    private bool Observe(Wire.WatchEventResponse e, bool known)
    {
        if (e.Peer is { } told)
        {
            if (told.Type == Wire.WatchEventResponse.Types.PeerEvent.Types.Type.EndOfInit) return true;
            if (told.Peer?.Conf is not { NeighborAddress: var address }) return false;
            if (told.Peer.State?.SessionState == Wire.PeerState.Types.SessionState.Established) table.Up(address, mustList: !known);
            else table.Down(address);
            return false;
        }
        foreach (var path in e.Table?.Paths ?? [])
        {
            if (PathMapper.IsLocal(path)) continue;
            if (RouteFamilies.RouteTarget.Equals(path.Family))
            {
                if (ImportedPathDecoder.DecodeMembership(path) is { IsReadable: true, Target: var target }) table.ApplyMembership(path.NeighborIp, target, path.IsWithdraw);
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
        var memberships = new List<RouteTarget?>();
        try
        {
            foreach (var family in RouteFamilies.Vpn)
            {
                if (!peer.AddressFamilies.Contains(family.Name())) continue;
                await foreach (var path in engine.ListReceivedAsync(address, family.ToWire(), cancellationToken))
                    if (Decode(path) is { } learned) routes.Add(learned);
            }
            if (peer.AddressFamilies.Contains("route-target"))
                await foreach (var path in engine.ListReceivedAsync(address, RouteFamilies.RouteTarget, cancellationToken))
                    if (ImportedPathDecoder.DecodeMembership(path) is { IsReadable: true, Target: var target }) memberships.Add(target);
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Unknown)
        {
            // The peer was deleted meanwhile.
        }
        table.ApplyListing(address, routes, memberships, sweep);
    }

    /// <summary>An end-of-RIB marker for each VPN family in session, or long silence of a peer that sends none.</summary>
    private async Task<bool> HasToldEverythingAsync(BgpPeer peer, TimeSpan silence, CancellationToken cancellationToken)
    {
        if ((await engine.ListPeersAsync(peer.Address.ToString(), cancellationToken)).FirstOrDefault() is not { } actual) return false;
        if (!SessionTable.SendsEndOfRib(actual)) return silence >= Silence;
        return actual.AfiSafis.All(a => a.Config?.Family is not { Safi: 128 } || a.MpGracefulRestart?.State?.EndOfRibReceived == true
            || !SessionTable.IsNegotiated(actual, a.Config.Family));
    }

    /// <summary>
    /// The engine sends a new session nothing before the router's end-of-RIB of the memberships; sent sooner, an end-of-RIB of ours would
    /// make the router sweep what it has not got back yet.
    /// </summary>
    private async Task<bool> HasToldMembershipsAsync(BgpPeer peer, CancellationToken cancellationToken) =>
        (await engine.ListPeersAsync(peer.Address.ToString(), cancellationToken)).FirstOrDefault()?.AfiSafis
            .Any(a => RouteFamilies.RouteTarget.Equals(a.Config?.Family) && a.MpGracefulRestart?.State?.EndOfRibReceived == true) == true;

    /// <summary>A membership that comes later makes the engine withdraw by itself, but send only if it were in the table.</summary>
    private async Task SendAgainAsync(BgpPeer peer, CancellationToken cancellationToken)
    {
        var address = peer.Address.ToString();
        table.Sent(address);
        try
        {
            await engine.ResetOutAsync(address, cancellationToken);
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Unknown)
        {
            // The peer was deleted meanwhile.
        }
    }

    private void Wake()
    {
        try
        {
            if (_wake.CurrentCount == 0) _wake.Release();
        }
        catch (SemaphoreFullException)
        {
            // Awake already.
        }
    }
}
