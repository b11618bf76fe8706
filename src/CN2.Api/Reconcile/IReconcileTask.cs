namespace CN2.Api.Reconcile;

/// <summary>
/// A part of the reconciler that runs on a task of its own. Its state is touched by this task only; other threads call methods that
/// post to it. <see cref="Reconciler"/> starts all of them after the database has been read.
/// </summary>
internal interface IReconcileTask
{
    /// <summary>Runs until it is cancelled. What it throws before that ends the server: it is a bug.</summary>
    Task RunAsync(CancellationToken ct);
}
