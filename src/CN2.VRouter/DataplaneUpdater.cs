using CN2.VRouter.Dataplane;
using CN2.VRouter.Probes;
using CN2.VRouter.V1;

namespace CN2.VRouter;

/// <summary>Applies what the inbox brings: one transaction at a time, with everything that arrived during the one before.</summary>
internal sealed partial class DataplaneUpdater(UpdaterInbox inbox, DesiredState desired, IDataplane dataplane, ProbeEngine probes, ILogger logger)
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(2);

    private readonly ILogger _logger = logger;
    private ServerStream? _stream;
    private bool _streamHasSent;
    private bool _refused;
    private string _lastError = "";
    private ulong _repairs;

    /// <summary>Transactions that repaired what another process had changed, since the start. Any thread may read it.</summary>
    public ulong Repairs => Interlocked.Read(ref _repairs);

    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var (work, repair) = Take(await inbox.TakeAllAsync(cancellation));
            if ((!work && !repair) || desired.Revision == 0) continue;

            var error = await ApplyAsync(cancellation);
            if (repair && !_refused) Interlocked.Increment(ref _repairs);
            if (error != _lastError && error.Length > 0) LogRefused(desired.Revision, error);
            _lastError = error;
            // A server must only hear of revisions that it has sent on this stream.
            if (_streamHasSent && (work || error.Length > 0)) _stream?.Send(new AgentMessage { Applied = new Applied { Revision = desired.Revision, Error = error } });
            if (!desired.ProbesChanged) continue;
            probes.Set(desired.Probes);
            desired.ProbesTaken();
        }
    }

    private (bool Work, bool Repair) Take(IReadOnlyList<UpdaterEvent> events)
    {
        var (work, repair) = (false, false);
        foreach (var item in events)
        {
            switch (item)
            {
                case UpdaterEvent.Connected connected:
                    _stream = connected.Stream;
                    _streamHasSent = false;
                    desired.Reconnected();
                    break;
                case UpdaterEvent.Received received when desired.Take(received.Message):
                    work = _streamHasSent = true;
                    break;
                case UpdaterEvent.Drift drift:
                    LogDrift(drift.What);
                    repair = true;
                    break;
                // Not when a later transaction has succeeded meanwhile.
                case UpdaterEvent.Retry when _refused:
                    work = true;
                    break;
            }
        }

        return (work, repair);
    }

    /// <summary>Returns why the revision is not in force, or an empty text.</summary>
    private async Task<string> ApplyAsync(CancellationToken cancellation)
    {
        try
        {
            await dataplane.ApplyAsync(desired.Dataplane, desired.Change, cancellation);
            _refused = false;
            desired.MarkApplied();
            return desired.Fault ?? "";
        }
        catch (DataplaneException e)
        {
            _refused = true;
            desired.Invalidate();
            inbox.RetryAfter(RetryInterval);
            return e.Message;
        }
    }

    [LoggerMessage(12, LogLevel.Error, "Revision {Revision} is not in force: {Reason}.")]
    private partial void LogRefused(ulong revision, string reason);

    [LoggerMessage(13, LogLevel.Warning, "Repairing: {What}.")]
    private partial void LogDrift(string what);
}
