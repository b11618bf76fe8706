using CN2.Network.Addressing;
using CN2.VRouter.V1;
using Grpc.Core;

namespace CN2.Api.Drivers.VRouterStream;

/// <summary>The gRPC service agents dial (vrouter.proto). One call is one agent's session.</summary>
internal sealed partial class VRouterStreamService(
    VRouterStreamPublisher publisher,
    RefusedAgents refused,
    NodeWatch watch,
    TimeProvider time,
    IHostApplicationLifetime lifetime,
    ILogger<VRouterStreamService> logger,
    IVRouterAdmission? admission = null,
    IVRouterAuthentication? authentication = null) : VRouterStreamBase
{
    private static readonly TimeSpan HelloWithin = TimeSpan.FromSeconds(5);

    public override async Task Connect(
        IAsyncStreamReader<AgentMessage> requestStream,
        IServerStreamWriter<EncodedMessage> responseStream,
        ServerCallContext context)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        var source = SourceOf(context);
        var identity = await IdentifyAsync(context, stop.Token);
        // What a stolen certificate asks for is not looked up as often as its holder likes.
        if (identity is not null && !refused.MayTry(identity.Name, source))
            throw new RpcException(new Status(StatusCode.ResourceExhausted, $"the agent {identity.Name} was refused too often; it is to wait some seconds"));
        var (hello, knows) = await HelloAsync(requestStream, identity, source, stop.Token);
        if (identity is not null) hello = Belonging(hello, identity);
        // The hello is answered at once. When many agents come at one moment, some of them wait for their turn below. An agent waits for the first message at least as long as for any
        // other one (HeartbeatProtocol.Patience). For this answer it waits less: an agent of an earlier version 1.9 s.
        await context.WriteResponseHeadersAsync([]);
        await AdmitAsync(hello, identity, stop.Token);
        // Only now, so that an agent that is refused does not use up the connections of the one whose name it gives.
        if (!await publisher.MayConnectAsync(hello.Name, stop.Token))
            throw new RpcException(new Status(StatusCode.ResourceExhausted, $"the agent {hello.Name} connects too often; it is to wait a second"));
        var session = new VRouterSession(hello, knows, time, stop, identity);
        while (!publisher.TryAdd(session)) await AdmitAsync(hello, identity, stop.Token);
        LogConnected(hello.Name, hello.Address, hello.AgentVersion);
        var writing = session.WriteAsync(responseStream, EncodedMessage.Of(VRouterMessages.Welcome(watch.Pulse)), stop.Token);
        var watching = session.WatchSilenceAsync(stop.Token);
        try
        {
            var reading = ReadAsync(session, requestStream, stop.Token);
            await await Task.WhenAny(reading, writing);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or InvalidOperationException
            || (e is RpcException && stop.IsCancellationRequested))
        {
            // The peer is gone, or the session was ended: both are said below.
        }
        finally
        {
            publisher.Remove(session);
            await stop.CancelAsync();
            await Task.WhenAll(writing, watching).ContinueWith(static _ => { }, TaskScheduler.Default);
            LogDisconnected(hello.Name, session.Ending?.Reason ?? "the stream has ended");
        }

        if (lifetime.ApplicationStopping.IsCancellationRequested) throw new RpcException(new Status(StatusCode.Unavailable, "the server is stopping"));
        if (session.Ending is { } end) throw new RpcException(new Status(end.Status, end.Reason));
    }

    /// <summary>Which node the connection stands for; null: nobody is asked.</summary>
    /// <exception cref="RpcException">It stands for none; the detail says why.</exception>
    private async Task<VRouterIdentity?> IdentifyAsync(ServerCallContext context, CancellationToken cancellation)
    {
        if (authentication is null) return null;
        switch (await authentication.IdentifyAsync(context.GetHttpContext().Connection.ClientCertificate, SourceOf(context), cancellation))
        {
            case VRouterIdentification.Known known:
                return known.Identity;
            case VRouterIdentification.Refused no:
                Say(null, SourceOf(context), $"{no.Reason} (from {SourceOf(context)})");
                throw new RpcException(new Status(StatusCode.Unauthenticated, no.Reason));
            case VRouterIdentification.TooMany tooMany: // whoever tries is in the log already
                throw new RpcException(new Status(StatusCode.ResourceExhausted, tooMany.Reason));
            case VRouterIdentification.Unavailable away:
                Say(null, SourceOf(context), away.Reason);
                throw new RpcException(new Status(StatusCode.Unavailable, away.Reason));
            default:
                return null;
        }
    }

    /// <exception cref="RpcException">The hello gives another name than the certificate.</exception>
    private VRouterHello Belonging(VRouterHello hello, VRouterIdentity identity)
    {
        if (hello.Name == identity.Name) return hello with { Uid = identity.Uid };
        var refusal = $"the certificate of the agent is that of VirtualRouter {identity.Name}, and the agent says it is {hello.Name}; give it --name {identity.Name}, or let it join as {hello.Name}";
        Say(identity, hello.Source, refusal);
        throw new RpcException(new Status(StatusCode.PermissionDenied, refusal));
    }

    private static System.Net.IPAddress? SourceOf(ServerCallContext context) =>
        context.GetHttpContext().Connection.RemoteIpAddress?.Unmapped();

    /// <exception cref="RpcException">The agent may not connect; the detail says why.</exception>
    private async Task AdmitAsync(VRouterHello hello, VRouterIdentity? identity, CancellationToken cancellation)
    {
        var rival = publisher.RivalOf(hello);
        var refusal = admission is null ? null : await admission.RefusalAsync(hello, rival, cancellation);
        if (refusal is null && rival is null) return;
        if (refusal is { IsElsewhere: true }) throw new RpcException(new Status(StatusCode.Unavailable, refusal.Answer));
        var inUse = $"the name {hello.Name} is in use by another agent";
        refusal ??= new AdmissionRefusal(inUse, inUse);
        Say(identity, hello.Source, refusal.Message);
        throw new RpcException(new Status(StatusCode.AlreadyExists, refusal.Answer));
    }

    private async Task<(VRouterHello Hello, VRouterKnowledge Knows)> HelloAsync(
        IAsyncStreamReader<AgentMessage> stream, VRouterIdentity? identity, System.Net.IPAddress? source, CancellationToken cancellation)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var timer = time.CreateTimer(static state => ((CancellationTokenSource)state!).Cancel(), timeout, HelloWithin, Timeout.InfiniteTimeSpan);
        var faults = new List<string>();
        try
        {
            if (await stream.MoveNext(timeout.Token) && stream.Current.BodyCase == AgentMessage.BodyOneofCase.Hello)
            {
                var message = stream.Current.Hello;
                if (VRouterMessages.Read(message, source, faults) is { } hello) return (hello, VRouterKnowledge.Of(message));
            }
            else
            {
                faults.Add("the first message is no hello");
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new RpcException(new Status(StatusCode.DeadlineExceeded, "no hello came"));
        }

        var detail = string.Join("; ", faults);
        Say(identity, source, detail);
        throw new RpcException(new Status(StatusCode.InvalidArgument, detail));
    }

    /// <summary>Writes a refusal into the log, unless there were too many of this agent.</summary>
    private void Say(VRouterIdentity? identity, System.Net.IPAddress? source, string faults)
    {
        if (refused.Take(identity?.Name, source) is { } unsaid) LogRefused(unsaid == 0 ? faults : $"{faults} ({unsaid} refusals before it are not in the log)");
    }

    private async Task ReadAsync(VRouterSession session, IAsyncStreamReader<AgentMessage> stream, CancellationToken cancellation)
    {
        var name = session.Hello.Name;
        var pace = new AgentPace(time);
        while (await stream.MoveNext(cancellation))
        {
            session.Heard();
            var message = stream.Current;
            if (pace.TakeAsync(message.CalculateSize(), cancellation) is { IsCompleted: false } wait)
            {
                session.IsHeldUp = true;
                await wait;
                session.Heard(); // it was waiting here, and not silent
                session.IsHeldUp = false;
            }

            if (session.Answered(message.BodyCase == AgentMessage.BodyOneofCase.Applied ? VRouterAnswer.Of(message.Applied) : null) is { } answer)
                publisher.Tell(session, l => l.Applied(name, answer.Revision, answer.Error, answer.Refused));

            switch (message.BodyCase)
            {
                case AgentMessage.BodyOneofCase.Applied:
                    break; // see above
                case AgentMessage.BodyOneofCase.Health:
                    var endpoints = VRouterMessages.Read(message.Health);
                    publisher.Tell(session, l => l.Health(name, endpoints));
                    break;
                case AgentMessage.BodyOneofCase.Heartbeat:
                    publisher.Tell(session, l => l.Seen(name, (long)message.Heartbeat.Repairs));
                    if (message.Heartbeat.Overlay is { } overlay)
                    {
                        var counters = VRouterMessages.Read(overlay);
                        publisher.Tell(session, l => l.Counted(name, counters));
                    }

                    if (message.Heartbeat.Icmp is { } icmp)
                    {
                        var counters = VRouterMessages.Read(icmp);
                        publisher.Tell(session, l => l.Counted(name, counters));
                    }

                    var faults = VRouterMessages.Read(message.Heartbeat.Node);
                    if (session.Inspected(faults)) publisher.Tell(session, l => l.Inspected(name, faults));
                    var notice = ForeignText.Of(message.Heartbeat.Message);
                    if (notice == session.Notice) break;
                    session.Notice = notice;
                    publisher.Tell(session, l => l.Noticed(name, notice));
                    break;
                case AgentMessage.BodyOneofCase.Pulse:
                    session.HasPulsed = true;
                    break;
                case AgentMessage.BodyOneofCase.WitnessAnswer:
                    watch.Answered(session, message.WitnessAnswer.Number, message.WitnessAnswer.Reached);
                    break;
                case AgentMessage.BodyOneofCase.Hello:
                    session.End("a second hello on one stream");
                    return;
                default:
                    break; // of a later version
            }
        }
    }

    [LoggerMessage(2001, LogLevel.Information, "The agent {Name} ({Address}, version {Version}) has connected.")]
    private partial void LogConnected(string name, System.Net.IPAddress address, string version);

    [LoggerMessage(2002, LogLevel.Information, "The agent {Name} has left: {Reason}.")]
    private partial void LogDisconnected(string name, string reason);

    [LoggerMessage(2003, LogLevel.Warning, "An agent was refused: {Faults}.")]
    private partial void LogRefused(string faults);
}
