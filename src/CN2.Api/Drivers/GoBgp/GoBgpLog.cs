namespace CN2.Api.Drivers.GoBgp;

/// <summary>The driver's log messages; Information only for a change of state.</summary>
internal static partial class GoBgpLog
{
    [LoggerMessage(1, LogLevel.Information, "BGP engine at {Address} started as AS {AutonomousSystem}, router id {RouterId}")]
    public static partial void EngineStarted(this ILogger logger, string address, uint autonomousSystem, string routerId);

    [LoggerMessage(2, LogLevel.Information, "BGP engine at {Address} is running; adopted {Paths} paths, removed {Foreign} foreign ones")]
    public static partial void EngineAdopted(this ILogger logger, string address, int paths, int foreign);

    [LoggerMessage(3, LogLevel.Warning, "BGP engine at {Address} ran as AS {AutonomousSystem}, router id {RouterId}, or listened at other addresses; it is restarted")]
    public static partial void EngineReplaced(this ILogger logger, string address, uint autonomousSystem, string routerId);

    [LoggerMessage(4, LogLevel.Warning, "BGP engine at {Address} does not answer: {Reason}")]
    public static partial void EngineLost(this ILogger logger, string address, string reason);

    [LoggerMessage(5, LogLevel.Information, "BGP engine at {Address} answers again after {Elapsed}; it holds all {Paths} paths and {Peers} peers")]
    public static partial void EngineBack(this ILogger logger, string address, TimeSpan elapsed, int paths, int peers);

    [LoggerMessage(6, LogLevel.Warning, "BGP engine did not hold the wanted paths: {Added} sent again, {Removed} removed")]
    public static partial void PathsRepaired(this ILogger logger, int added, int removed);

    [LoggerMessage(7, LogLevel.Information, "BGP peer {Peer}: {Action}")]
    public static partial void PeerChanged(this ILogger logger, string peer, string action);

    [LoggerMessage(8, LogLevel.Warning, "BGP peer {Peer} is not given to the engine: {Reason}")]
    public static partial void PeerRefused(this ILogger logger, string peer, string reason);

    [LoggerMessage(10, LogLevel.Debug, "BGP peer {Peer} sent a VPN route that cannot be read")]
    public static partial void RouteUnreadable(this ILogger logger, string peer);

    [LoggerMessage(11, LogLevel.Debug, "BGP peer {Peer} sent a VPN route that cannot be used, {RouteDistinguisher} {Prefix}: {Reason}")]
    public static partial void RouteUnusable(this ILogger logger, string peer, string routeDistinguisher, string prefix, string reason);

    [LoggerMessage(12, LogLevel.Warning, "BGP peer {Peer} is over a limit of imported routes: {Reason}")]
    public static partial void OverImportLimit(this ILogger logger, string peer, string reason);

    [LoggerMessage(13, LogLevel.Error, "BGP engine refuses {Action} path {Path} via {NextHop}: {Reason}")]
    public static partial void PathRefused(this ILogger logger, string path, string nextHop, string action, string reason);

    [LoggerMessage(14, LogLevel.Warning, "The BGP engine at {Address} was found empty, and it is not known by which path identifiers routers know the paths; their sessions are opened twice so that they drop what they kept")]
    public static partial void NumbersLost(this ILogger logger, string address);

    [LoggerMessage(15, LogLevel.Information, "BGP peer {Peer} has not come back since the engine was restarted; withdrawals wait for it no longer, and when it comes its session is opened twice so that it drops what it kept")]
    public static partial void PeerLate(this ILogger logger, string peer);

    [LoggerMessage(16, LogLevel.Error, "BGP peer {Peer}: {Reason}")]
    public static partial void PeerLeftOut(this ILogger logger, string peer, string reason);

    [LoggerMessage(17, LogLevel.Warning, "The codes of NOTIFICATIONs are not known, because the BGP engine cannot report them by BMP: {Reason}")]
    public static partial void NoStation(this ILogger logger, string reason);

    [LoggerMessage(18, LogLevel.Warning, "Another program has changed the policies of the BGP engine at {Address} ({Differences}): they are restored, and what they keep from routers is withdrawn there")]
    public static partial void PoliciesChanged(this ILogger logger, string address, string differences);

    [LoggerMessage(19, LogLevel.Error, "The policies of the BGP engine at {Address} cannot be restored ({Differences}): start gobgpd anew")]
    public static partial void PoliciesNotRestored(this ILogger logger, string address, string differences);

    [LoggerMessage(9, LogLevel.Error, "BGP driver failed; it connects again")]
    public static partial void DriverFailed(this ILogger logger, Exception exception);
}
