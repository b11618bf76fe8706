using System.Net;
using CN2.Api.Data;

namespace CN2.Api.Reconcile;

public sealed partial class Reconciler
{
    [LoggerMessage(Level = LogLevel.Information, Message = "Loaded {Services} services and {FloatingIPs} floating IPs at position {Position}")]
    private static partial void LogLoaded(ILogger logger, int services, int floatingIPs, long position);

    [LoggerMessage(Level = LogLevel.Information, Message = "The speaker answered: it holds {Found} paths, {Adopted} of them stay")]
    private static partial void LogSpeaker(ILogger logger, int found, int adopted);

    [LoggerMessage(Level = LogLevel.Information, Message = "vRouter {Name} ({Address}) connected")]
    private static partial void LogConnected(ILogger logger, string name, IPAddress address);

    [LoggerMessage(Level = LogLevel.Warning, Message = "vRouter {Name} disconnected; it goes on forwarding what it has")]
    private static partial void LogDisconnected(ILogger logger, string name);

    [LoggerMessage(Level = LogLevel.Error, Message = "vRouter {Name} refused revision {Revision}: {Error}")]
    private static partial void LogRefused(ILogger logger, string name, ulong revision, string error);

    [LoggerMessage(Level = LogLevel.Error, Message = "A round of the reconciler failed; the next one starts again from what is known")]
    private static partial void LogRoundFailed(ILogger logger, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The database is away; agents and speaker are served from what is known: {Reason}")]
    private static partial void LogDatabaseAway(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The change feed no longer begins before {Position}: everything is read again")]
    private static partial void LogBehind(ILogger logger, FeedPosition position);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Owner} could not be compiled; it keeps what it has")]
    private static partial void LogNotCompiled(ILogger logger, Exception exception, Guid owner);

    [LoggerMessage(Level = LogLevel.Warning, Message = "This replica could not say that it is alive: {Reason}")]
    private static partial void LogBeatFailed(ILogger logger, string reason);
}
