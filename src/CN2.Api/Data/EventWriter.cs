using CN2.Api.Data.Rows;

namespace CN2.Api.Data;

/// <summary>Adds to <c>GET /v1/events</c>, in the transaction of what happened.</summary>
public static class EventWriter
{
    /// <param name="warning">Something the user should look at.</param>
    /// <param name="reason">One word, such as AddressAllocated.</param>
    /// <param name="message">A sentence.</param>
    public static void AddEvent(
        this CN2DbContext db, ResourceKind kind, string? ns, string name, DateTimeOffset at, string reason, string message, bool warning = false) =>
        db.Events.Add(new EventRow { Kind = kind, Namespace = ns, Name = name, At = at, Type = warning ? "Warning" : "Normal", Reason = reason, Message = message });
}
