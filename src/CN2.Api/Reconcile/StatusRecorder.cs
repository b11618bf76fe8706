using System.Globalization;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using CN2.Api.Data.Rows;
using CN2.Network.Status;

namespace CN2.Api.Reconcile;

/// <summary>
/// Writes statuses that changed, in batches, on a task of its own. A condition keeps its lastTransitionTime until its status changes;
/// a document that equals the written one is not written.
/// </summary>
internal sealed partial class StatusRecorder(IStatusStore store, HeldLease leadership, ReconcileCounters counters, LoopInbox inbox, TimeProvider time, ILogger<StatusRecorder> logger)
    : IStatusRecorder, IReconcileTask
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(500);

    private readonly Channel<IReadOnlyList<StatusDraft>> _batches = Channel.CreateUnbounded<IReadOnlyList<StatusDraft>>();

    public void Post(IReadOnlyList<StatusDraft> drafts) => _batches.Writer.TryWrite(drafts);

    public async Task RunAsync(CancellationToken ct)
    {
        while (true)
        {
            var batch = await _batches.Reader.ReadAsync(ct);
            foreach (var kind in batch.GroupBy(d => d.Kind)) await WriteAsync(kind.Key, [.. kind], ct);
            inbox.Post(new LeaderEvent.StatusesWritten());
        }
    }

    private async Task WriteAsync(ResourceKind kind, List<StatusDraft> drafts, CancellationToken ct)
    {
        // What a replica drafted before it lost the lease is stale; a replica that begins to lead drafts all of them.
        while (leadership.Current is { } lease)
        {
            try
            {
                var before = await store.ReadAsync(kind, [.. drafts.Select(d => d.Uid)], ct);
                var documents = new List<KeyValuePair<Guid, string>>();
                var events = new List<StatusEvent>();
                foreach (var draft in drafts)
                {
                    var old = before.TryGetValue(draft.Uid, out var text) ? JsonNode.Parse(text)!.AsObject() : null;
                    var document = draft.Document.DeepClone().AsObject();
                    var changed = CarryTimesOver(draft.Uid, old, document, time.GetUtcNow());
                    if (draft.IsNews) events.AddRange(changed);
                    if (old is null || !JsonNode.DeepEquals(old, document)) documents.Add(new(draft.Uid, document.ToJsonString()));
                }

                if (documents.Count == 0 || await store.WriteAsync(lease, kind, documents, events, ct))
                {
                    counters.StatusesWritten(documents.Count);
                    return;
                }

                // The database's clock was set, and by it the lease is over. This replica renews it soon, or learns that another one leads.
                await Task.Delay(RetryInterval, time, ct);
            }
            catch (Exception e) when (e.IsTransient())
            {
                LogRetry(e.Message);
                await Task.Delay(RetryInterval, time, ct);
            }
            catch (Exception e) when (!e.IsStop(ct))
            {
                if (drafts.Count == 1)
                {
                    LogNotWritten(e, kind, drafts[0].Uid);
                    return;
                }

                // One status that cannot be written never stops the others: halves find it.
                await WriteAsync(kind, [.. drafts.Take(drafts.Count / 2)], ct);
                drafts = [.. drafts.Skip(drafts.Count / 2)];
            }
        }
    }

    /// <summary>Copies the times of the conditions whose status is the same; answers an event for each of the others.</summary>
    private static List<StatusEvent> CarryTimesOver(Guid uid, JsonObject? old, JsonObject document, DateTimeOffset now)
    {
        var events = new List<StatusEvent>();
        if (document["conditions"] is not JsonArray conditions) return events;
        foreach (var condition in conditions.OfType<JsonObject>())
        {
            var was = (old?["conditions"] as JsonArray)?.OfType<JsonObject>().FirstOrDefault(c => AreSame(c, condition, "type"));
            if (was is not null && AreSame(was, condition, "status") && was["lastTransitionTime"] is { } since)
            {
                condition["lastTransitionTime"] = since.DeepClone();
                continue;
            }

            condition["lastTransitionTime"] = now.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
            var isTrue = (string?)condition["status"] == "True";
            // Of a first status only the allocated address is an event; the other conditions follow when they become true.
            if (was is not null || (isTrue && (string?)condition["type"] == ConditionType.Allocated))
                events.Add(new StatusEvent(uid, isTrue ? "Normal" : "Warning", (string?)condition["reason"] ?? "", $"{condition["type"]}: {condition["message"]}"));
        }

        return events;
    }

    private static bool AreSame(JsonObject a, JsonObject b, string member) => (string?)a[member] == (string?)b[member];

    [LoggerMessage(Level = LogLevel.Warning, Message = "Statuses could not be written yet, trying again: {Reason}")]
    private partial void LogRetry(string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "The status of {Kind} {Uid} cannot be written; it is tried again when it changes")]
    private partial void LogNotWritten(Exception exception, ResourceKind kind, Guid uid);
}
