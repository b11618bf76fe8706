namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// The engine's stream of changes to its table, those of this speaker too. It can be suspended: under a bulk change the engine would otherwise report
/// every single path. Thread-safe; <see cref="Observed"/> is raised by the task that runs it.
/// </summary>
internal sealed class TableWatch(GoBgpEngine engine, TimeProvider time)
{
    private readonly Lock _lock = new();
    private CancellationTokenSource? _stream;
    private bool _suspended;

    /// <summary>Paths that were added or withdrawn (<c>is_withdraw</c>), as the engine names them.</summary>
    public event Action<IReadOnlyCollection<Wire.Path>>? Observed;

    public void Suspend()
    {
        lock (_lock)
        {
            _suspended = true;
            _stream?.Cancel();
        }
    }

    /// <summary>What changed meanwhile is not reported: the caller must compare.</summary>
    public void Resume()
    {
        lock (_lock) _suspended = false;
    }

    /// <summary>Runs until the engine ends the stream, or throws what ended it.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            using var stream = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            if (!TryOpen(stream))
            {
                await Task.Delay(Patrol.Settle, time, cancellationToken);
                continue;
            }
            try
            {
                using var call = engine.WatchTable(stream.Token);
                while (await call.ResponseStream.MoveNext(stream.Token))
                    if (call.ResponseStream.Current.Table is { } table) Observed?.Invoke(table.Paths);
                return;
            }
            catch (Exception e) when (GoBgpEngine.IsLoss(e) && stream.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                // Suspended: a bulk change is under way.
            }
            finally
            {
                lock (_lock) _stream = null;
            }
        }
    }

    private bool TryOpen(CancellationTokenSource stream)
    {
        lock (_lock)
        {
            if (_suspended) return false;
            _stream = stream;
            return true;
        }
    }
}
