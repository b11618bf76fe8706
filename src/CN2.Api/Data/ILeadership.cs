namespace CN2.Api.Data;

/// <summary>Whether this replica leads. Any thread.</summary>
public interface ILeadership
{
    /// <summary>The proof for a duty of the leader; null: this replica does not lead, or was stopped and does not know whether it still does.</summary>
    LeaderLease? Current { get; }
}
