namespace CN2.Api.Data.Rows;

/// <summary>The state of a vRouter's agent; the replica that the agent is connected to writes it.</summary>
public sealed class VirtualRouterStatusRow
{
    public Guid Uid { get; set; }
    public bool Connected { get; set; }

    /// <summary>The replica that the agent connected to.</summary>
    public string? ControlNode { get; set; }

    /// <summary>
    /// When the agent was heard last; null: never. While it is heard regularly, <see cref="DateTimeOffset.MaxValue"/> (in the database <c>infinity</c>): then
    /// <see cref="LastHeard"/> says when.
    /// </summary>
    public DateTimeOffset? LastSeenAt { get; set; }

    /// <summary>The agent is away for longer than LostAfterSeconds. The leading replica sets it; it is cleared when the agent has its whole configuration again.</summary>
    public bool Lost { get; set; }

    /// <summary>The agent is away for too long, but too many are at once: its routes stay. When that was last found; null: it is not.</summary>
    public DateTimeOffset? HeldAt { get; set; }
    public long DesiredRevision { get; set; }
    public long AppliedRevision { get; set; }

    /// <summary>The agent has applied all changes of the feed up to this position; the other replicas read it here.</summary>
    public long AppliedPosition { get; set; }
    public string? AgentVersion { get; set; }

    /// <summary>The overlay engine that the agent named when it last connected: userspace, kernel, or null for none.</summary>
    public string? OverlayEngine { get; set; }
    public string? Message { get; set; }

    /// <summary>Whether something on the node itself stops its traffic, as a document; null: the agent does not look.</summary>
    public string? Forwarding { get; set; }

    /// <summary>When that began to be true, false or unknown.</summary>
    public DateTimeOffset? ForwardsSince { get; set; }

    /// <summary>When the agent was heard last; null: never, or nobody knows.</summary>
    /// <param name="controlNodeSeenAt">When its control node was seen last; null: that one is not known.</param>
    public DateTimeOffset? LastHeard(DateTimeOffset? controlNodeSeenAt) =>
        LastSeenAt == DateTimeOffset.MaxValue || (Connected && controlNodeSeenAt < LastSeenAt) ? controlNodeSeenAt : LastSeenAt;
}
