using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace CN2.Api.Data;

/// <summary>Brings the schema up to date (<c>CN2.Api migrate</c>, and at start unless <c>Database__Migrate=false</c>).</summary>
public sealed partial class Migrator(IDbContextFactory<CN2DbContext> contexts, NpgsqlDataSource source, ILogger<Migrator> logger)
{
    /// <summary>Applies the missing migrations. Replicas that start at the same time take turns, because EF locks its history table.</summary>
    public async Task MigrateAsync(CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var pending = (await db.Database.GetPendingMigrationsAsync(cancellationToken)).ToList();
        if (pending.Count == 0) return;
        Applying(logger, pending.Count, pending[^1]);
        await db.Database.MigrateAsync(cancellationToken);
        await source.ReloadTypesAsync(cancellationToken);
    }

    /// <summary>True when the database has all migrations of this version.</summary>
    public async Task<bool> IsCurrentAsync(CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        return !(await db.Database.GetPendingMigrationsAsync(cancellationToken)).Any();
    }

    [LoggerMessage(EventId = 100, Level = LogLevel.Information, Message = "Applying {Count} migrations, up to {Last}")]
    private static partial void Applying(ILogger logger, int count, string last);
}
