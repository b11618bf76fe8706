namespace CN2.Api.Reconcile;

/// <summary>An event to write beside a status.</summary>
internal sealed record StatusEvent(Guid Uid, string Type, string Reason, string Message);
