using CN2.Api.Data.Rows;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.Data;

/// <summary>Rows of the change feed for a writer that speaks plain SQL: collected, then one statement of its batch.</summary>
public sealed class ChangeList
{
    private readonly List<(ResourceKind Kind, string? Namespace, string Name, Guid Uid, ChangeVerb Verb, string? Document)> _changes = [];

    public int Count => _changes.Count;

    /// <param name="document">The last representation of what was deleted (JSON); null otherwise.</param>
    public void Add(ResourceKind kind, string? ns, string name, Guid uid, ChangeVerb verb, string? document = null) =>
        _changes.Add((kind, ns, name, uid, verb, document));

    public void AddTo(NpgsqlBatch batch)
    {
        if (_changes.Count == 0) return;
        batch.BatchCommands.Add(new NpgsqlBatchCommand(
            """
            INSERT INTO change (kind, namespace, name, uid, verb, status_only, document)
            SELECT k, ns, n, u, v, false, d::jsonb FROM unnest($1, $2, $3, $4, $5, $6) AS t (k, ns, n, u, v, d)
            """)
        {
            Parameters =
            {
                new NpgsqlParameter<short[]> { TypedValue = [.. _changes.Select(c => (short)c.Kind)] },
                new NpgsqlParameter<string?[]> { TypedValue = [.. _changes.Select(c => c.Namespace)], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text },
                new NpgsqlParameter<string[]> { TypedValue = [.. _changes.Select(c => c.Name)] },
                new NpgsqlParameter<Guid[]> { TypedValue = [.. _changes.Select(c => c.Uid)] },
                new NpgsqlParameter<short[]> { TypedValue = [.. _changes.Select(c => (short)c.Verb)] },
                new NpgsqlParameter<string?[]> { TypedValue = [.. _changes.Select(c => c.Document)], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text },
            },
        });
    }
}
