using CN2.Api.Access;
using CN2.Api.Audit;
using CN2.Api.Data;
using CN2.Api.Http;
using Npgsql;

namespace CN2.Api.Writes;

/// <summary>
/// One attempt of one write: a connection inside one transaction, made by <see cref="TransactionRunner"/>. A decision may run more
/// than once (deadlock, lost race, empty pool), each time with a fresh scope, so it must keep nothing outside.
/// </summary>
public sealed class WriteScope : IAsyncDisposable
{
    /// <summary>A batch of more changes may take longer than a statement of a single resource.</summary>
    private const int ManyChanges = 1000;

    // The table has one row that is meant; LIMIT says so to the planner.
    private const string MomentSql = "SELECT begun_at, pg_current_xact_id() FROM feed_epoch LIMIT 1";

    private readonly AttachedContexts _contexts;
    private readonly NpgsqlTransaction _transaction;
    private CN2DbContext? _db;

    internal WriteScope(AttachedContexts contexts, NpgsqlConnection connection, NpgsqlTransaction transaction, DateTimeOffset now)
    {
        _contexts = contexts;
        _transaction = transaction;
        Connection = connection;
        Now = now;
    }

    /// <summary>For SQL; the transaction is open on it.</summary>
    public NpgsqlConnection Connection { get; }

    /// <summary>
    /// EF on the same transaction, made when it is first used. Rows read through it are tracked only with <c>AsTracking()</c>. The runner
    /// saves it after the decision.
    /// </summary>
    public CN2DbContext Db => _db ??= _contexts.Attach(Connection, _transaction);

    /// <summary>createdAt and updatedAt of everything the decision writes, in whole microseconds as PostgreSQL stores them.</summary>
    public DateTimeOffset Now { get; }

    /// <summary>The changes for the feed. The runner writes those that no batch of the decision has written.</summary>
    public ChangeList Changes { get; } = new();

    /// <summary>The entries for the audit log, which the runner writes with the changes.</summary>
    public AuditList Audit { get; } = new();

    /// <summary>The request whose If-Match counts; null: the write answers no single request.</summary>
    internal HttpRequest? Request { get; set; }

    /// <summary>What the one whose write this is may do; nothing, until somebody says whose it is.</summary>
    public CallerRights Rights { get; internal set; } = CallerRights.None;

    internal bool IsDiscarded { get; private set; }

    /// <summary>Compares the request's If-Match with a generation (null: there is no such resource). Null: continue.</summary>
    public ApiProblem? CheckIfMatch(long? generation) => Request is null ? null : EntityTag.Check(Request, generation);

    /// <summary>Sends what <see cref="Db"/> collected, for SQL that refers to those rows and for constraints that must answer now.</summary>
    public async Task SaveAsync(CancellationToken ct)
    {
        if (_db is not null && _db.ChangeTracker.HasChanges()) await _db.SaveChangesAsync(ct);
    }

    /// <summary>Sends statements, and the changes and audit entries that are not written yet, in one round trip.</summary>
    public async Task ExecuteAsync(IEnumerable<NpgsqlBatchCommand> commands, CancellationToken ct)
    {
        await using var batch = BatchOf(commands);
        if (batch.BatchCommands.Count > 0) await batch.ExecuteNonQueryAsync(ct);
    }

    /// <summary>As <see cref="ExecuteAsync"/>. The same round trip answers the transaction that the statements belong to.</summary>
    public async Task<WriteMoment> ExecuteAndTellAsync(IEnumerable<NpgsqlBatchCommand> commands, CancellationToken ct)
    {
        await using var batch = BatchOf(commands.Prepend(new NpgsqlBatchCommand(MomentSql)));
        await using var reader = await batch.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        var moment = new WriteMoment(reader.GetFieldValue<DateTimeOffset>(0), reader.GetFieldValue<ulong>(1));
        while (await reader.NextResultAsync(ct))
        {
            // An error of a later statement is thrown here.
        }

        return moment;
    }

    /// <summary>The transaction ends with a rollback.</summary>
    internal void Discard() => IsDiscarded = true;

    /// <exception cref="OutcomeUnknownException">The connection was lost before the server confirmed.</exception>
    internal async Task CommitAsync(CancellationToken ct)
    {
        await SaveAsync(ct);
        await ExecuteAsync([], ct);
        try
        {
            // From here on the write counts, also for a client that has closed its connection.
            await _transaction.CommitAsync(CancellationToken.None);
        }
        catch (Exception e) when (PostgresErrors.IsAway(e))
        {
            throw new OutcomeUnknownException(e);
        }
    }

    /// <summary>Rolls back what was not committed.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_db is not null) await _db.DisposeAsync();
        await _transaction.DisposeAsync();
    }

    private NpgsqlBatch BatchOf(IEnumerable<NpgsqlBatchCommand> commands)
    {
        var batch = new NpgsqlBatch(Connection);
        foreach (var command in commands) batch.BatchCommands.Add(command);
        Changes.AddTo(batch);
        Audit.AddTo(batch);
        if (Changes.Count > ManyChanges) batch.Timeout = DatabasePools.SecondsFor(Changes.Count);
        return batch;
    }
}
