using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace CN2.Api.Data;

/// <summary>Brings the schema up to date (<c>CN2.Api migrate</c>, and at start unless <c>Database__Migrate=false</c>).</summary>
public sealed partial class Migrator(IDbContextFactory<CN2DbContext> contexts, NpgsqlDataSource source, DedicatedConnection dedicated, ILogger<Migrator> logger)
{
    /// <summary>The advisory lock of whoever migrates: "CN2M" in ASCII.</summary>
    public const int LockKey = 0x434E324D;

    /// <summary>A version before the lock does not take it; what it has made meanwhile is no fault.</summary>
    private const int Attempts = 5;

    /// <summary>An index on a large table takes its time.</summary>
    private static readonly TimeSpan StatementPatience = TimeSpan.FromHours(1);

    /// <summary>Applies the missing migrations. Replicas that start at the same time take turns, and who comes later finds nothing to do.</summary>
    public async Task MigrateAsync(CancellationToken cancellationToken)
    {
        if (await IsCurrentAsync(cancellationToken)) return;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await MigrateInTurnAsync(cancellationToken);
                break;
            }
            catch (PostgresException e) when (attempt < Attempts && MadeByAnother(e))
            {
                LogMadeByAnother(e.MessageText);
                await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
            }
        }

        await source.ReloadTypesAsync(cancellationToken);
    }

    /// <summary>True when the database has all migrations of this version.</summary>
    public async Task<bool> IsCurrentAsync(CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var applied = (await db.Database.GetAppliedMigrationsAsync(cancellationToken)).ToHashSet(StringComparer.Ordinal);
        var known = db.Database.GetMigrations().ToList();
        // A newer version has migrated already: a rolling upgrade, or the way back. It has left everything that this version needs.
        if (applied.Except(known).LastOrDefault() is { } newer) LogNewer(newer);
        return known.TrueForAll(applied.Contains);
    }

    /// <summary>
    /// EF locks its history table, but replicas that meet an empty database all try to create that table first. The lock here belongs to an
    /// open transaction, so it also ends with its holder.
    /// </summary>
    private async Task MigrateInTurnAsync(CancellationToken ct)
    {
        await using var connection = await dedicated.OpenAsync(ct);
        await using var turn = await connection.BeginTransactionAsync(ct);
        await using var take = new NpgsqlCommand("SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock(" + LockText + ")", connection)
        {
            CommandTimeout = (int)StatementPatience.TotalSeconds,
        };
        await take.ExecuteNonQueryAsync(ct);
        await using var db = await contexts.CreateDbContextAsync(ct);
        db.Database.SetCommandTimeout(StatementPatience);
        try
        {
            var pending = (await db.Database.GetPendingMigrationsAsync(ct)).ToList();
            if (pending.Count == 0) return;
            LogApplying(pending.Count, pending[^1]);
            await db.Database.MigrateAsync(ct);
        }
        finally
        {
            db.Database.SetCommandTimeout((int?)null); // the context goes back to its pool
        }
    }

    private static readonly string LockText = LockKey.ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static bool MadeByAnother(PostgresException e) => e.SqlState is PostgresErrorCodes.DuplicateTable or PostgresErrorCodes.DuplicateObject
        or PostgresErrorCodes.DuplicateColumn or PostgresErrorCodes.DuplicateFunction or PostgresErrorCodes.DuplicateSchema or PostgresErrorCodes.UniqueViolation
        or PostgresErrorCodes.DeadlockDetected;

    [LoggerMessage(EventId = 100, Level = LogLevel.Information, Message = "Applying {Count} migrations, up to {Last}")]
    private partial void LogApplying(int count, string last);

    [LoggerMessage(EventId = 104, Level = LogLevel.Information, Message = "Another process migrates at the same time, looking again: {Reason}")]
    private partial void LogMadeByAnother(string reason);

    [LoggerMessage(EventId = 105, Level = LogLevel.Warning, Message = "The database has the migration {Newer} of a newer version; this version works with it")]
    private partial void LogNewer(string newer);
}
