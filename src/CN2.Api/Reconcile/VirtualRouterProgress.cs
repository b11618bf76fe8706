using CN2.Api.Data;
using CN2.Api.Data.Documents;

namespace CN2.Api.Reconcile;

/// <summary>What is known of a vRouter's agent, for its status.</summary>
/// <param name="Silence">How long ago the last message came from it.</param>
/// <param name="Applied">What of the change feed it has applied; null: nothing.</param>
/// <param name="Refused">The document of <see cref="RefusedItems"/>.</param>
/// <param name="Overdue">It leaves unacknowledged what it was sent, so it counts as away.</param>
public sealed record VirtualRouterProgress(
    string Name, TimeSpan Silence, ulong DesiredRevision, ulong AppliedRevision, FeedPosition? Applied, string AgentVersion, string? Message,
    string? Refused = null, bool Overdue = false)
{
    /// <summary>The document of <see cref="NodeForwarding"/>.</summary>
    public string? Forwarding { get; init; }
}
