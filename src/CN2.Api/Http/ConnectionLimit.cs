using System.Net;
using Microsoft.AspNetCore.Connections;

namespace CN2.Api.Http;

/// <summary>
/// Counts the connections of one port, in all and by caller; beyond either limit a new one is closed at once. Kestrel's own limit counts all ports
/// together and knows no callers: one that opens all of them would keep out everybody, the agents too.
/// </summary>
/// <param name="isProxy">A proxy brings many callers, so only the limit of all is for it.</param>
internal sealed partial class ConnectionLimit(string port, int most, int mostOfCaller, Func<IPAddress, bool> isProxy, TimeProvider time, ILogger<ConnectionLimit> logger)
{
    /// <summary>Whoever is refused is logged at most this often.</summary>
    private static readonly TimeSpan LogInterval = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, int> _ofCaller = [];
    private int _all;
    private long? _loggedAt;

    public ConnectionDelegate Around(ConnectionDelegate next) => async connection =>
    {
        var source = (connection.RemoteEndPoint as IPEndPoint)?.Address;
        var caller = Callers.Of(source);
        if (!TryEnter(caller, source is not null && isProxy(source)))
        {
            connection.Abort();
            return;
        }

        try
        {
            await next(connection);
        }
        finally
        {
            Leave(caller);
        }
    };

    private bool TryEnter(IPAddress caller, bool proxy)
    {
        lock (_lock)
        {
            var own = _ofCaller.GetValueOrDefault(caller);
            if (_all < most && (proxy || own < mostOfCaller))
            {
                _ofCaller[caller] = own + 1;
                _all++;
                return true;
            }

            if (_loggedAt is { } last && time.GetElapsedTime(last) < LogInterval) return false;
            _loggedAt = time.GetTimestamp();
            LogRefused(logger, port, caller, own, _all);
            return false;
        }
    }

    private void Leave(IPAddress caller)
    {
        lock (_lock)
        {
            _all--;
            if (--_ofCaller[caller] == 0) _ofCaller.Remove(caller);
        }
    }

    [LoggerMessage(EventId = 112, Level = LogLevel.Warning, Message = "Connections to the {Port} port are refused: {Caller} has {Own}, and all callers together have {All} (Connections__MostOfCaller, Connections__Most)")]
    private static partial void LogRefused(ILogger logger, string port, IPAddress caller, int own, int all);
}
