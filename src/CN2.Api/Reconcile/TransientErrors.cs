using CN2.Api.Data;
using CN2.Api.Drivers;

namespace CN2.Api.Reconcile;

/// <summary>Tells what passes by itself from what is a bug.</summary>
internal static class TransientErrors
{
    /// <summary>The BGP engine or the database is away, or a transaction must be repeated: the same call succeeds later.</summary>
    public static bool IsTransient(this Exception e) =>
        e is BgpEngineException { IsTransient: true } or SupersededWriteException || PostgresErrors.IsAway(e) || PostgresErrors.Find(e) is { IsTransient: true };

    /// <summary>The task was asked to stop.</summary>
    public static bool IsStop(this Exception e, CancellationToken ct) => e is OperationCanceledException && ct.IsCancellationRequested;
}
