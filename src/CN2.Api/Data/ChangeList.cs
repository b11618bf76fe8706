using System.Globalization;
using CN2.Api.Data.Rows;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.Data;

/// <summary>
/// Writes the change feed (docs/adr/0003-one-change-feed.md). Only cn2_set_infrastructure also inserts into table <c>change</c>: the endpoints
/// and FloatingIPs whose address has become the infrastructure's, or is so no longer. An instance collects the
/// changes of one transaction and writes them with one statement. <see cref="InsertFrom"/> is for statements that find the changed
/// rows themselves.
/// </summary>
public sealed class ChangeList
{
    private readonly List<Change> _unwritten = [];

    /// <summary>How many changes were added, written or not. Zero: readers need no signal.</summary>
    public int Count { get; private set; }

    /// <param name="kind">The kind of the resource.</param>
    /// <param name="ns">Its namespace; null when the kind has none.</param>
    /// <param name="name">Its name.</param>
    /// <param name="uid">Its uid.</param>
    public void Added(ResourceKind kind, string? ns, string name, Guid uid) => Add(new Change(kind, ns, name, uid, ChangeVerb.Added, false, null));

    /// <param name="kind">The kind of the resource.</param>
    /// <param name="ns">Its namespace; null when the kind has none.</param>
    /// <param name="name">Its name.</param>
    /// <param name="uid">Its uid.</param>
    /// <param name="statusOnly">Only the status changed: watches read the change, the reconciler skips it.</param>
    public void Modified(ResourceKind kind, string? ns, string name, Guid uid, bool statusOnly = false) =>
        Add(new Change(kind, ns, name, uid, ChangeVerb.Modified, statusOnly, null));

    /// <param name="kind">The kind of the resource.</param>
    /// <param name="ns">Its namespace; null when the kind has none.</param>
    /// <param name="name">Its name.</param>
    /// <param name="uid">Its uid.</param>
    /// <param name="document">The last representation as JSON; watches send it with the <c>deleted</c> event.</param>
    public void Deleted(ResourceKind kind, string? ns, string name, Guid uid, string document) =>
        Add(new Change(kind, ns, name, uid, ChangeVerb.Deleted, false, document));

    /// <summary>Adds the statement for all changes that are not written yet to a batch, which the caller executes in the same transaction.</summary>
    public void AddTo(NpgsqlBatch batch)
    {
        // The flag is part of the statement instead of a seventh array, because a transaction rarely has changes of both kinds.
        AddStatement(batch, _unwritten.FindAll(c => !c.StatusOnly), "false");
        AddStatement(batch, _unwritten.FindAll(c => c.StatusOnly), "true");
        _unwritten.Clear();
    }

    /// <summary>
    /// The INSERT for rows that the statement finds itself, such as the last part of a WITH: one change for each row.
    /// </summary>
    /// <param name="kind">The kind of all rows.</param>
    /// <param name="verb">What happened to all rows.</param>
    /// <param name="rows">What follows FROM: rows with columns <c>uid</c> and <c>name</c>, and <c>namespace</c> when the kind has one.</param>
    /// <param name="statusOnly">Only the status changed; null: the rows say so in a column <c>status_only</c>.</param>
    public static string InsertFrom(ResourceKind kind, ChangeVerb verb, string rows, bool? statusOnly) => string.Create(CultureInfo.InvariantCulture,
        $"""
         INSERT INTO change (kind, namespace, name, uid, verb, status_only)
         SELECT {(short)kind}, {(kind.IsNamespaced() ? "namespace" : "NULL")}, name, uid, {(short)verb}, {(statusOnly is { } all ? (all ? "true" : "false") : "status_only")} FROM {rows}
         """);

    private void Add(Change change)
    {
        _unwritten.Add(change);
        Count++;
    }

    private static void AddStatement(NpgsqlBatch batch, List<Change> changes, string statusOnly)
    {
        if (changes.Count == 0) return;
        batch.BatchCommands.Add(Sql.Command(
            $"""
             INSERT INTO change (kind, namespace, name, uid, verb, status_only, document)
             SELECT k, ns, n, u, v, {statusOnly}, d::jsonb FROM unnest($1, $2, $3, $4, $5, $6) AS t (k, ns, n, u, v, d)
             """,
            Sql.Array(changes, c => (short)c.Kind), Sql.Array(changes, c => c.Namespace, NpgsqlDbType.Text), Sql.Array(changes, c => c.Name),
            Sql.Array(changes, c => c.Uid), Sql.Array(changes, c => (short)c.Verb), Sql.Array(changes, c => c.Document, NpgsqlDbType.Text)));
    }

    private readonly record struct Change(ResourceKind Kind, string? Namespace, string Name, Guid Uid, ChangeVerb Verb, bool StatusOnly, string? Document);
}
