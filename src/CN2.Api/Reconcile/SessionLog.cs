using CN2.Api.Drivers;

namespace CN2.Api.Reconcile;

/// <summary>Logs when a BGP session of this control node comes up, and when and why it is down.</summary>
internal sealed partial class SessionLog(IBgpSpeaker speaker, ILogger<SessionLog> logger)
{
    /// <summary>While a session is down, the first reasons are logged: a second one is often more exact, further ones repeat what was said.</summary>
    private const int MostReasons = 3;

    /// <summary>By router, the reasons that were logged since its session is down; null: it is up.</summary>
    private readonly Dictionary<string, HashSet<string>?> _reasons = [];

    public void Follow()
    {
        var sessions = speaker.Sessions;
        foreach (var session in sessions)
        {
            if (session.IsEstablished) IsUp(session);
            else IsDown(session);
        }

        if (_reasons.Count == sessions.Count) return;
        foreach (var gone in _reasons.Keys.Except(sessions.Select(s => s.Peer)).ToList()) _reasons.Remove(gone);
    }

    private void IsUp(BgpSession session)
    {
        if (_reasons.TryGetValue(session.Peer, out var reasons) && reasons is null) return;
        _reasons[session.Peer] = null;
        LogUp(session.Peer);
    }

    private void IsDown(BgpSession session)
    {
        var isKnown = _reasons.TryGetValue(session.Peer, out var reasons);
        var wasUp = isKnown && reasons is null;
        if (reasons is null) _reasons[session.Peer] = reasons = [];
        // A session that was never up has no reason to be down while the first attempt runs.
        var reason = session.LastError ?? (wasUp ? "no reason is known." : null);
        if (reason is not null && reasons.Count < MostReasons && reasons.Add(reason)) LogDown(session.Peer, reason);
    }

    [LoggerMessage(EventId = 228, Level = LogLevel.Information, Message = "The BGP session with {Router} is established")]
    private partial void LogUp(string router);

    [LoggerMessage(EventId = 229, Level = LogLevel.Warning, Message = "The BGP session with {Router} is down: {Reason}")]
    private partial void LogDown(string router, string reason);
}
