using CN2.Network.Status;

namespace CN2.Api.Json;

/// <summary>A statement about a resource (docs/contract.md §2).</summary>
/// <param name="Type">Such as Allocated or Ready.</param>
/// <param name="Status">True, False or Unknown.</param>
/// <param name="Reason">One word, for programs.</param>
/// <param name="Message">A sentence that says what the state is and what the user can do.</param>
/// <param name="ObservedGeneration">The generation of the resource that the condition is about.</param>
/// <param name="LastTransitionTime">When <paramref name="Status"/> last changed.</param>
public sealed record ConditionBody(
    string Type, string Status, string Reason, string Message, long ObservedGeneration, DateTimeOffset LastTransitionTime)
{
    /// <param name="condition">A condition that was just computed.</param>
    /// <param name="at">Its lastTransitionTime.</param>
    public static ConditionBody From(Condition condition, DateTimeOffset at) =>
        new(condition.Type, condition.Status.ToString(), condition.Reason, condition.Message, condition.ObservedGeneration, at);
}
