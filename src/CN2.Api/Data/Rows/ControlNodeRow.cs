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
}
