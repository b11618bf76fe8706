using System.Net.Sockets;
using Npgsql;

namespace CN2.Api.Data;

/// <summary>Reads what an exception from the database means.</summary>
public static class PostgresErrors
{
    /// <summary>The error of PostgreSQL inside an exception; null: there is none. EF wraps it once, and a transient one (a deadlock) twice.</summary>
    public static PostgresException? Find(Exception? e)
    {
        while (e is not null and not PostgresException) e = e.InnerException;
        return (PostgresException?)e;
    }

    /// <summary>
    /// Connection refused, lost, timed out or used up; PostgreSQL starting, stopping or failing over; a plan that a schema change has made
    /// stale. Nothing is wrong with the statement: the same one succeeds later, on this connection or another one.
    /// </summary>
    public static bool IsAway(Exception exception)
    {
        for (Exception? e = exception; e is not null; e = e.InnerException)
        {
            switch (e)
            {
                case PostgresException pg:
                    // 08 connection, 53 out of resources, 57P shutdown, 25006 read-only (a standby that was a primary), 3D000 not created yet
                    return pg.SqlState.StartsWith("08", StringComparison.Ordinal) || pg.SqlState.StartsWith("53", StringComparison.Ordinal)
                        || pg.SqlState.StartsWith("57P", StringComparison.Ordinal) || pg.SqlState is "57014" or "25006" or "3D000" || IsStalePlan(pg);
                case NpgsqlException or SocketException or TimeoutException:
                    return true;
            }
        }

        return false;
    }

    /// <summary>Others held a row or table for longer than the statement's <c>lock_timeout</c>.</summary>
    public static bool IsLocked(Exception exception) => Find(exception) is { SqlState: PostgresErrorCodes.LockNotAvailable };

    /// <summary>A statement was not answered in time; the database may well answer others.</summary>
    public static bool IsTimeout(Exception exception)
    {
        for (Exception? e = exception; e is not null; e = e.InnerException)
        {
            if (e is TimeoutException or PostgresException { SqlState: PostgresErrorCodes.QueryCanceled }) return true;
        }

        return false;
    }

    /// <summary>
    /// "cached plan must not change result type": a migration changed a column while this connection had a statement prepared. A
    /// new connection prepares it anew (<see cref="StalePlans"/>). The message is translated by the server, the name of its function is not.
    /// </summary>
    public static bool IsStalePlan(PostgresException e) => e is { SqlState: PostgresErrorCodes.FeatureNotSupported, Routine: "RevalidateCachedQuery" };
}
