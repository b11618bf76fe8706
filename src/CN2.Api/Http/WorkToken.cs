namespace CN2.Api.Http;

/// <summary>
/// Cancels the work of one request: when its client has left, or when its time is over. The cancellation has a thread of its own, because that
/// of a statement waits for PostgreSQL: when PostgreSQL hangs, a few of them would block the thread pool, and with it every other request.
/// </summary>
internal sealed class WorkToken : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly CancellationTokenRegistration _client;
    private int _cancelled;

    public WorkToken(CancellationToken client) => _client = client.UnsafeRegister(static state => ((WorkToken)state!).Cancel(), this);

    public CancellationToken Token => _source.Token;

    public void Cancel()
    {
        if (Interlocked.Exchange(ref _cancelled, 1) == 0) new Thread(Run) { IsBackground = true, Name = "cancels a request" }.Start();
    }

    /// <summary>The source is not disposed: its thread may still run, and without a timer it holds nothing.</summary>
    public void Dispose() => _client.Dispose();

    private void Run()
    {
        try
        {
            _source.Cancel();
        }
        catch (AggregateException)
        {
            // A callback failed. The request is over anyway, and its work ends by the database's own time limit.
        }
    }
}
