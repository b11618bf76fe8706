using System.Runtime.ExceptionServices;
using Npgsql;

namespace CN2.Api.Data;

/// <summary>
/// Throws connections away whose prepared statements a schema change has made stale. Npgsql prepares such a statement anew, but a connection
/// on which that happened refuses every further statement that it would prepare ("Invalid PreparedState", Npgsql 10.0), for as long as it
/// lives. So the first report of a stale plan empties the pools; connections in use are closed when they come back.
/// <para>
/// It looks at every exception of the process when it is thrown, because reports come from every place that sends a statement.
/// </para>
/// </summary>
internal sealed class StalePlans : IHostedService, IDisposable
{
    private readonly NpgsqlDataSource[] _pools;
    private WeakReference? _last;

    public StalePlans(NpgsqlDataSource requests, [FromKeyedServices(DatabasePools.ControlLoop)] NpgsqlDataSource controlLoop)
    {
        _pools = [requests, controlLoop];
        AppDomain.CurrentDomain.FirstChanceException += Look;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => AppDomain.CurrentDomain.FirstChanceException -= Look;

    private void Look(object? sender, FirstChanceExceptionEventArgs thrown)
    {
        // An exception is thrown again by each method that awaits.
        if (thrown.Exception is not PostgresException e || !PostgresErrors.IsStalePlan(e) || ReferenceEquals(_last?.Target, e)) return;
        _last = new WeakReference(e);
        foreach (var pool in _pools) pool.Clear();
    }
}
