using System.Text.Json;
using System.Text.Json.Nodes;
using CN2.Api.Http;
using CN2.Api.Json;
using Npgsql;

namespace CN2.Api.Audit;

/// <summary>The entries of one transaction, written in it: a write that counts has its entry, and one that was rolled back has none.</summary>
public sealed class AuditList
{
    private readonly List<AuditEntry> _entries = [];
    private Dictionary<Guid, Former>? _formers;
    private int _written;

    public IReadOnlyList<AuditEntry> Entries => _entries;

    /// <summary>What the transaction is about, when its outcome does not say it: what is deleted.</summary>
    public AuditSubject? Subject { get; set; }

    /// <summary>The fields of <see cref="Subject"/> that differ since.</summary>
    public IReadOnlyList<string> SubjectChanges { get; set; } = [];

    public void Add(AuditEntry entry) => _entries.Add(entry);

    /// <summary>Remembers a resource as it is before its row is changed.</summary>
    /// <param name="uid">Of the resource.</param>
    /// <param name="generation">As it is.</param>
    /// <param name="request">The request that, as a PUT, would change nothing; null, or one that cannot be made of what is stored: its fields are not compared.</param>
    public void Remember(Guid uid, long generation, Func<ResourceRequest> request)
    {
        ResourceRequest? made = null;
        try
        {
            made = request();
        }
        catch (DocumentUnreadableException)
        {
            // The write says so itself, if it minds.
        }

        (_formers ??= [])[uid] = new Former(generation, made);
    }

    /// <summary>A secret of a remembered resource is another one now. It is in no answer, so nothing else would say so.</summary>
    public void SecretChanged(Guid uid, string path)
    {
        if (_formers?.GetValueOrDefault(uid) is { } former) former.Secrets.Add(path);
    }

    /// <summary>The fields of a remembered resource that differ now.</summary>
    public IReadOnlyList<string> ChangesOf(ResourceBody now) => ChangesOf(now.Uid, now.Generation, () => JsonSerializer.SerializeToNode(now, now.GetType(), ApiJson.Options)!.AsObject());

    /// <inheritdoc cref="ChangesOf(ResourceBody)"/>
    /// <param name="uid">Of the resource.</param>
    /// <param name="generation">As it is now.</param>
    /// <param name="now">The resource, as GET answers it.</param>
    public IReadOnlyList<string> ChangesOf(Guid uid, long generation, Func<JsonObject> now)
    {
        if (_formers?.GetValueOrDefault(uid) is not { } former || former.Generation == generation) return [];
        var changes = former.Request is null ? [] : FieldChanges.Of(JsonSerializer.SerializeToNode(former.Request, former.Request.GetType(), ApiJson.Options)!.AsObject(), now());
        return [.. former.Secrets, .. changes];
    }

    /// <summary>Adds the statement for all entries that are not written yet to a batch, which the caller executes in the same transaction.</summary>
    public void AddTo(NpgsqlBatch batch)
    {
        if (_written == _entries.Count) return;
        batch.BatchCommands.Add(AuditTable.Insert(_entries.GetRange(_written, _entries.Count - _written)));
        _written = _entries.Count;
    }

    private sealed record Former(long Generation, ResourceRequest? Request)
    {
        public List<string> Secrets { get; } = [];
    }
}
