using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace CN2.Api.Data;

/// <summary>Plain SQL beside EF.</summary>
public static class SqlConnections
{
    /// <summary>The context's own connection, opened; it is given back with the context.</summary>
    public static async Task<NpgsqlConnection> OpenSqlAsync(this CN2DbContext db, CancellationToken cancellationToken)
    {
        await db.Database.OpenConnectionAsync(cancellationToken);
        return (NpgsqlConnection)db.Database.GetDbConnection();
    }
}
