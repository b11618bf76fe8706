namespace CN2.Network.Status;

public enum ConditionStatus
{
    True,
    False,
    Unknown,
}

/// <summary>
/// One condition without the time of its last transition, which only the writer of the status knows.
/// <paramref name="Message"/> is a sentence that tells the user what to do.
/// </summary>
public sealed record Condition(string Type, ConditionStatus Status, string Reason, string Message, long ObservedGeneration);

/// <summary>The condition types, in the order they are shown.</summary>
public static class ConditionType
{
    public const string Allocated = "Allocated";
    public const string Programmed = "Programmed";
    public const string Advertised = "Advertised";
    public const string Ready = "Ready";
}

/// <summary>CN2's <c>status.state</c>, plus Deleting.</summary>
public enum ResourceState
{
    Pending,
    Success,
    Failure,
    Deleting,
}
