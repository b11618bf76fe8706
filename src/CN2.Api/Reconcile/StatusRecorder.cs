using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using CN2.Api.Data.Rows;
using CN2.Network.Status;

namespace CN2.Api.Reconcile;

/// <summary>
/// Writes statuses that changed, in batches, on a task of its own. A condition keeps its lastTransitionTime until its status moves;
/// a document equal to what is written is not written.
/// </summary>
public sealed partial class StatusRecorder(StatusStore store, ReconcileCounters counters, TimeProvider time, ILogger<StatusRecorder> logger)
{
    /// <summary>Owners whose statuses are drafted at once.</summary>
    public const int BatchSize = 250;

    private readonly Channel<List<StatusDraft>> _batches = Channel.CreateUnbounded<List<StatusDraft>>();
    private volatile bool _busy;

    /// <summary>The last draft handed over, written yet or not: one that goes back to what stood before is news too.</summary>
    private readonly ConcurrentDictionary<Guid, int> _posted = [];

    /// <summary>False while a batch is on its way; the reconciler keeps what is due.</summary>
    public bool HasRoom => !_busy;

    public event Action? Done;

    public void Post(IEnumerable<StatusDraft> drafts)
    {
        var news = drafts.Where(IsNews).ToList();
        if (news.Count == 0) return;
        _busy = true;
        _batches.Writer.TryWrite(news);
    }

    public void Forget(Guid uid) => _posted.TryRemove(uid, out _);

    /// <summary>Another replica may have written since: every draft is news.</summary>
    public void ForgetAll() => _posted.Clear();

    public async Task RunAsync(CancellationToken ct)
    {
        await foreach (var batch in _batches.Reader.ReadAllAsync(ct))
        {
            foreach (var kind in batch.GroupBy(d => d.Kind)) await WriteAsync(kind.Key, [.. kind], ct);
            _busy = false;
            Done?.Invoke();
        }
    }

    private bool IsNews(StatusDraft draft)
    {
        var hash = draft.Text.GetHashCode(StringComparison.Ordinal);
        if (_posted.TryGetValue(draft.Uid, out var before) && before == hash) return false;
        _posted[draft.Uid] = hash;
        return true;
    }

    private async Task WriteAsync(ResourceKind kind, List<StatusDraft> drafts, CancellationToken ct)
    {
        while (true)
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
                    var moved = Carry(draft.Uid, old, document, time.GetUtcNow());
                    if (draft.IsNews) events.AddRange(moved);
                    if (old is null || !JsonNode.DeepEquals(old, document)) documents.Add(new(draft.Uid, document.ToJsonString()));
                }

                if (documents.Count > 0) await store.WriteAsync(kind, documents, events, ct);
                counters.StatusesWritten(documents.Count);
                return;
            }
            catch (Exception e) when (e is not OperationCanceledException || !ct.IsCancellationRequested)
            {
                LogRetry(logger, e.Message);
                await Task.Delay(TimeSpan.FromMilliseconds(500), time, ct);
            }
        }
    }

    /// <summary>Takes over the times of conditions whose status is as it was; answers an event for each that moved.</summary>
    private static List<StatusEvent> Carry(Guid uid, JsonObject? old, JsonObject document, DateTimeOffset now)
    {
        var events = new List<StatusEvent>();
        if (document["conditions"] is not JsonArray conditions) return events;
        foreach (var condition in conditions.OfType<JsonObject>())
        {
            var was = (old?["conditions"] as JsonArray)?.OfType<JsonObject>().FirstOrDefault(c => Same(c, condition, "type"));
            if (was is not null && Same(was, condition, "status") && was["lastTransitionTime"] is { } since)
            {
                condition["lastTransitionTime"] = since.DeepClone();
                continue;
            }

            condition["lastTransitionTime"] = now.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", System.Globalization.CultureInfo.InvariantCulture);
            var isTrue = (string?)condition["status"] == "True";
            // Of a beginning only the addresses are news; the rest is told as it comes true.
            if (was is not null || (isTrue && (string?)condition["type"] == ConditionType.Allocated)) events.Add(new StatusEvent(uid, isTrue ? "Normal" : "Warning", (string?)condition["reason"] ?? "", $"{condition["type"]}: {condition["message"]}"));
        }

        return events;
    }

    private static bool Same(JsonObject a, JsonObject b, string member) => (string?)a[member] == (string?)b[member];

    [LoggerMessage(Level = LogLevel.Warning, Message = "Statuses could not be written yet, trying again: {Reason}")]
    private static partial void LogRetry(ILogger logger, string reason);
}
