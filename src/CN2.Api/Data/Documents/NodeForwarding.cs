using System.Text.Json;
using CN2.Network.Status;

namespace CN2.Api.Data.Documents;

/// <summary>
/// Whether something on a vRouter's node itself stops its traffic: the condition <c>Forwarding</c> of the VirtualRouter. Immutable. Its document is how
/// other replicas and the API read it (<c>virtual_router_status.forwarding</c>).
/// </summary>
/// <param name="Status">False: something does. Unknown: something may, or nobody has looked.</param>
/// <param name="Reason">One word in CamelCase.</param>
/// <param name="Message">Sentences: what it is, and what to do.</param>
/// <param name="Stopped">The traffic that it stops for certain.</param>
internal sealed record NodeForwarding(ConditionStatus Status, string Reason, string Message, TrafficKinds Stopped = TrafficKinds.None)
{
    private const string NotReportedReason = "NotReported";

    /// <summary>The agent is older than the look at the node, or has not looked yet.</summary>
    public static NodeForwarding NotReported { get; } =
        new(ConditionStatus.Unknown, NotReportedReason, "The agent has not said what it finds on the node; it says so with its first heartbeat, unless it is of an older version.");

    /// <summary>JSON; null: nothing was reported.</summary>
    public string? Document => Reason == NotReportedReason ? null : JsonSerializer.Serialize(new Stored(Status.ToString(), Reason, Message, Stopped));

    /// <summary>Reads a document; one that a later version has written and this one does not know counts as nothing.</summary>
    public static NodeForwarding Parse(string? document)
    {
        if (document is null) return NotReported;
        try
        {
            return JsonSerializer.Deserialize<Stored>(document) is { Reason: { } reason, Message: { } message } stored && Enum.TryParse<ConditionStatus>(stored.Status, out var status)
                ? new(status, reason, message, stored.Stopped ?? (status == ConditionStatus.False ? TrafficKinds.All : TrafficKinds.None))
                : NotReported;
        }
        catch (JsonException)
        {
            return NotReported;
        }
    }

    private sealed record Stored(string? Status, string? Reason, string? Message, TrafficKinds? Stopped);
}
