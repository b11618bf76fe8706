namespace CN2.Api.Reconcile;

/// <summary>Takes statuses that are to be written.</summary>
internal interface IStatusRecorder
{
    /// <summary>May be called from any thread. <see cref="LeaderEvent.StatusesWritten"/> answers each batch when it is written.</summary>
    void Post(IReadOnlyList<StatusDraft> drafts);
}
