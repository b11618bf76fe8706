using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace CN2.Api.Data;

/// <summary>SQL on the connection of an EF context.</summary>
public static class SqlConnections
{
    /// <summary>The open connection of the context; it returns to the pool together with the context.</summary>
    public static async Task<NpgsqlConnection> OpenSqlAsync(this CN2DbContext db, CancellationToken cancellationToken)
    {
        await db.Database.OpenConnectionAsync(cancellationToken);
        return (NpgsqlConnection)db.Database.GetDbConnection();
    }

    /// <summary>Gives the connection of a request's context back to the pool before the request ends.</summary>
    public static Task GiveBackAsync(IServiceProvider request) => request.GetRequiredService<CN2DbContext>().Database.CloseConnectionAsync();
}
