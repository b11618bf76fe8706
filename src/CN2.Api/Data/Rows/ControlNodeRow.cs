using System.Net;

namespace CN2.Api.Data.Rows;

/// <summary>A replica: when it last reported, and the sessions of its speaker.</summary>
public sealed class ControlNodeRow
{
    public required string Name { get; set; }
    public DateTimeOffset LastSeenAt { get; set; }

    /// <summary>Seconds for which routers may hold its stale routes after it is gone: the largest graceful-restart time of its peers.</summary>
    public int RestartTimeSeconds { get; set; }

    /// <summary>BGP sessions as this replica sees them: {"vmx1": {state, since, families, …}} (JSON).</summary>
    public string Sessions { get; set; } = "{}";

    /// <summary>Its engine ends when the replica ends, so that routers hold its routes for <see cref="RestartTimeSeconds"/> at most.</summary>
    public bool EngineBound { get; set; }

    /// <summary>Its engine answered at the last report.</summary>
    public bool EngineRunning { get; set; }

    /// <summary>It led at the last report.</summary>
    public bool Leader { get; set; }
    public IPAddress? Address { get; set; }
    public string Version { get; set; } = "";

    /// <summary>What holds its change feed back, in words; null: nothing.</summary>
    public string? FeedHeldBackBy { get; set; }
    public double FeedBehindSeconds { get; set; }
}
