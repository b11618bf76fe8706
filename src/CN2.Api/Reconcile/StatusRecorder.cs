using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using CN2.Api.Data;
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

    private static readonly JsonEncodedText Conditions = JsonEncodedText.Encode("conditions");
    private static readonly JsonEncodedText LastTransitionTime = JsonEncodedText.Encode("lastTransitionTime");

    /// <summary>After so many locked rows of one batch, its rest is put aside without a try: a whole table may be locked.</summary>
    private const int MostLocked = 8;

    private readonly Channel<IReadOnlyList<StatusDraft>> _batches = Channel.CreateUnbounded<IReadOnlyList<StatusDraft>>();

    /// <summary>Drafts whose rows others hold. They are tried again, and a newer draft takes the place of one.</summary>
    private readonly Dictionary<Guid, StatusDraft> _aside = [];

    /// <summary>The lease under which those were drafted.</summary>
    private LeaderLease? _asideLease;

    private int _locked;

    public void Post(IReadOnlyList<StatusDraft> drafts) => _batches.Writer.TryWrite(drafts);

    public async Task RunAsync(CancellationToken ct)
    {
        while (true)
        {
            if (_aside.Count > 0 && !await HasBatchWithinAsync(RetryInterval, ct))
            {
                await WriteAsideAsync(ct);
                continue;
            }

            var batch = await _batches.Reader.ReadAsync(ct);
            foreach (var draft in batch) _aside.Remove(draft.Uid);
            await WriteAllAsync(batch, ct);
            inbox.Post(new LeaderEvent.StatusesWritten());
        }
    }

    private async Task<bool> HasBatchWithinAsync(TimeSpan limit, CancellationToken ct)
    {
        using var over = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(over.Token, ct);
        try
        {
            return await _batches.Reader.WaitToReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return false;
        }
    }

    private async Task WriteAsideAsync(CancellationToken ct)
    {
        var drafts = _aside.Values.ToList();
        _aside.Clear();
        // Under another lease, everything is drafted anew.
        if (leadership.Current == _asideLease) await WriteAllAsync(drafts, ct);
    }

    private async Task WriteAllAsync(IReadOnlyList<StatusDraft> drafts, CancellationToken ct)
    {
        _locked = 0;
        foreach (var kind in drafts.GroupBy(d => d.Kind)) await WriteAsync(kind.Key, [.. kind], ct);
    }

    private async Task WriteAsync(ResourceKind kind, List<StatusDraft> drafts, CancellationToken ct)
    {
        // What a replica drafted before it lost the lease is stale; a replica that begins to lead drafts all of them.
        while (leadership.Current is { } lease)
        {
            if (_locked >= MostLocked)
            {
                PutAside(drafts, lease);
                return;
            }

            try
            {
                var before = await store.ReadAsync(kind, [.. drafts.Select(d => d.Uid)], ct);
                var documents = new List<KeyValuePair<Guid, string>>();
                var events = new List<StatusEvent>();
                foreach (var draft in drafts)
                {
                    using var old = before.TryGetValue(draft.Uid, out var text) ? JsonDocument.Parse(text) : null;
                    var (document, changed) = WithTimes(draft, old?.RootElement, time.GetUtcNow());
                    if (draft.IsNews) events.AddRange(changed);
                    if (old is null || !AreEqual(old, document)) documents.Add(new(draft.Uid, Encoding.UTF8.GetString(document)));
                }

                if (documents.Count == 0 || await store.WriteAsync(lease, kind, documents, events, ct))
                {
                    counters.StatusesWritten(documents.Count);
                    return;
                }

                // The database's clock was set, and by it the lease is over. This replica renews it soon, or learns that another one leads.
                await Task.Delay(RetryInterval, time, ct);
            }
            catch (Exception e) when (PostgresErrors.IsLocked(e))
            {
                if (drafts.Count == 1)
                {
                    _locked++;
                    PutAside(drafts, lease);
                    return;
                }

                // Who holds the row of one status never stops the others: halves find it.
                await WriteAsync(kind, [.. drafts.Take(drafts.Count / 2)], ct);
                drafts = [.. drafts.Skip(drafts.Count / 2)];
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

    private void PutAside(List<StatusDraft> drafts, LeaderLease lease)
    {
        if (_aside.Count == 0) LogAside(drafts[0].Kind, drafts[0].Uid);
        foreach (var draft in drafts) _aside[draft.Uid] = draft;
        _asideLease = lease;
    }

    /// <summary>
    /// The draft with the times of its conditions: the written one where the status is the same, else now. Answers an event for each of the others.
    /// Of a large site this is done for each status, again and again, so no tree of the document is built.
    /// </summary>
    private static (byte[] Document, List<StatusEvent> Events) WithTimes(StatusDraft draft, JsonElement? old, DateTimeOffset now)
    {
        var events = new List<StatusEvent>();
        var buffer = new ArrayBufferWriter<byte>(draft.Document.Length + 64);
        using var document = JsonDocument.Parse(draft.Document);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var member in document.RootElement.EnumerateObject())
            {
                if (!member.NameEquals(Conditions.EncodedUtf8Bytes))
                {
                    member.WriteTo(writer);
                    continue;
                }

                writer.WriteStartArray(Conditions);
                foreach (var condition in member.Value.EnumerateArray()) Write(writer, condition, WasOf(old, condition), draft.Uid, now, events);
                writer.WriteEndArray();
            }

            writer.WriteEndObject();
        }

        return (buffer.WrittenSpan.ToArray(), events);
    }

    private static void Write(Utf8JsonWriter writer, JsonElement condition, JsonElement? was, Guid uid, DateTimeOffset now, List<StatusEvent> events)
    {
        writer.WriteStartObject();
        foreach (var member in condition.EnumerateObject())
            if (!member.NameEquals(LastTransitionTime.EncodedUtf8Bytes)) member.WriteTo(writer);
        writer.WritePropertyName(LastTransitionTime);
        var isSame = was is { } written && AreSame(written, condition, "status"u8) && written.TryGetProperty(LastTransitionTime.EncodedUtf8Bytes, out _);
        if (isSame) was!.Value.GetProperty(LastTransitionTime.EncodedUtf8Bytes).WriteTo(writer);
        else writer.WriteStringValue(now.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture));
        writer.WriteEndObject();
        if (isSame) return;
        var (type, isTrue) = (Text(condition, "type"), Text(condition, "status") == "True");
        // Of a first status only the allocated address is an event; the other conditions follow when they become true.
        if (was is not null || (isTrue && type == ConditionType.Allocated))
            events.Add(new StatusEvent(uid, isTrue ? "Normal" : "Warning", Text(condition, "reason") ?? "", $"{type}: {Text(condition, "message")}"));
    }

    /// <summary>The written condition of the same type.</summary>
    private static JsonElement? WasOf(JsonElement? old, JsonElement condition)
    {
        if (old is not { ValueKind: JsonValueKind.Object } written || !written.TryGetProperty(Conditions.EncodedUtf8Bytes, out var conditions) || conditions.ValueKind != JsonValueKind.Array) return null;
        foreach (var was in conditions.EnumerateArray())
            if (was.ValueKind == JsonValueKind.Object && AreSame(was, condition, "type"u8)) return was;
        return null;
    }

    private static bool AreSame(JsonElement a, JsonElement b, ReadOnlySpan<byte> member) =>
        a.TryGetProperty(member, out var first) && b.TryGetProperty(member, out var second) && JsonElement.DeepEquals(first, second);

    private static bool AreEqual(JsonDocument old, byte[] document)
    {
        using var now = JsonDocument.Parse(document);
        return JsonElement.DeepEquals(old.RootElement, now.RootElement);
    }

    private static string? Text(JsonElement element, string member) => element.TryGetProperty(member, out var value) ? value.GetString() : null;

    [LoggerMessage(EventId = 240, Level = LogLevel.Warning, Message = "Statuses could not be written yet, trying again: {Reason}")]
    private partial void LogRetry(string reason);

    [LoggerMessage(EventId = 241, Level = LogLevel.Warning, Message = "The status of {Kind} {Uid} waits, because a transaction holds its row; pg_stat_activity shows which")]
    private partial void LogAside(ResourceKind kind, Guid uid);

    [LoggerMessage(EventId = 242, Level = LogLevel.Error, Message = "The status of {Kind} {Uid} cannot be written; it is tried again when it changes")]
    private partial void LogNotWritten(Exception exception, ResourceKind kind, Guid uid);
}
