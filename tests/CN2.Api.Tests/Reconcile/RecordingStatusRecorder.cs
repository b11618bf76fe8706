using CN2.Api.Reconcile;

namespace CN2.Api.Tests.Reconcile;

/// <summary>An <see cref="IStatusRecorder"/> that keeps what it gets and writes nothing. The test answers with the event.</summary>
internal sealed class RecordingStatusRecorder : IStatusRecorder
{
    /// <summary>The uids of each batch.</summary>
    public List<IReadOnlyList<Guid>> Batches { get; } = [];

    public void Post(IReadOnlyList<StatusDraft> drafts) => Batches.Add([.. drafts.Select(d => d.Uid)]);
}
