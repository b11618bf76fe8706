using CN2.VRouter.Dataplane;
using CN2.VRouter.Probes;
using CN2.VRouter.V1;

namespace CN2.VRouter;

/// <summary>Applies what the inbox brings: one transaction at a time, with everything that arrived during the one before.</summary>
/// <param name="relay">Relays ICMP errors between nodes; null: nobody does.</param>
internal sealed partial class DataplaneUpdater(UpdaterInbox inbox, DesiredState desired, IDataplane dataplane, ProbeEngine probes, IIcmpRelay? relay, ILogger logger)
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(2);

    /// <summary>What is refused for long is tried again this often. New work begins with <see cref="RetryInterval"/> again: it may have made room.</summary>
    private static readonly TimeSpan LongestRetryInterval = TimeSpan.FromSeconds(60);

    private readonly ILogger _logger = logger;
    private ServerStream? _stream;
    private bool _streamHasSent;
    private bool _serverTakesRefusals;
    private bool _failed;
    private IReadOnlyList<DataplaneRefusal> _refused = [];
    private TimeSpan _retryAfter = RetryInterval;
    private string _lastError = "";
    private ulong _repairs;

    /// <summary>Transactions that repaired what another process had changed, since the start. Any thread may read it.</summary>
    public ulong Repairs => Interlocked.Read(ref _repairs);

    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var (work, repair, retry) = Take(await inbox.TakeAllAsync(cancellation));
            if ((!work && !repair && !retry) || desired.Revision == 0) continue;

            var before = _refused;
            var error = await ApplyAsync(work, cancellation);
            if (repair && !_failed) Interlocked.Increment(ref _repairs);
            var answer = error is null
                ? AppliedMessages.Of(desired.Revision, desired.Faults, _refused, _serverTakesRefusals)
                : new Applied { Revision = desired.Revision, Error = error };
            var said = error ?? AppliedMessages.Summary(desired.Faults, _refused) ?? "";
            if (said != _lastError && said.Length > 0) LogRefused(desired.Revision, said);
            _lastError = said;
            // A server must only hear of revisions that it has sent on this stream.
            if (_streamHasSent && (work || error is not null || retry || !_refused.SequenceEqual(before))) _stream?.Send(new AgentMessage { Applied = answer });
            if (!desired.ProbesChanged) continue;
            probes.Set(desired.Probes);
            desired.ProbesTaken();
        }
    }

    private (bool Work, bool Repair, bool Retry) Take(IReadOnlyList<UpdaterEvent> events)
    {
        var (work, repair, retry) = (false, false, false);
        foreach (var item in events)
        {
            switch (item)
            {
                case UpdaterEvent.Connected connected:
                    _stream = connected.Stream;
                    _streamHasSent = _serverTakesRefusals = false;
                    desired.Reconnected();
                    break;
                case UpdaterEvent.Received { Message.Welcome: { } welcome }:
                    _serverTakesRefusals = welcome.TakesRefusals;
                    break;
                case UpdaterEvent.Received received when desired.Take(received.Message):
                    work = _streamHasSent = true;
                    break;
                case UpdaterEvent.Fenced fenced:
                    desired.Fence(fenced.Addresses);
                    work = true;
                    break;
                case UpdaterEvent.Uplinked:
                    work = true;
                    break;
                case UpdaterEvent.Drift drift:
                    LogDrift(drift.What);
                    repair = true;
                    break;
                // Not when a later transaction has succeeded meanwhile.
                case UpdaterEvent.Retry when _failed || _refused.Count > 0:
                    retry = true;
                    desired.Retry(_refused.Select(r => r.Item));
                    break;
            }
        }

        return (work, repair, retry);
    }

    /// <summary>Returns why nothing of the revision is in force; null: all of it is, but for what is refused alone.</summary>
    private async Task<string?> ApplyAsync(bool work, CancellationToken cancellation)
    {
        if (work) _retryAfter = RetryInterval;
        try
        {
            _refused = await dataplane.ApplyAsync(desired.Dataplane, desired.Change, cancellation);
            // What a node relays finds the tables of its RoutingInstance in place.
            relay?.SetCarriers(desired.Dataplane.Carriers, desired.Change?.Carriers);
            _failed = false;
            desired.MarkApplied();
            if (_refused.Count > 0)
            {
                inbox.RetryAfter(_retryAfter);
                _retryAfter = _retryAfter < LongestRetryInterval / 2 ? _retryAfter * 2 : LongestRetryInterval;
            }

            return null;
        }
        catch (DataplaneException e)
        {
            _failed = true;
            desired.Invalidate();
            inbox.RetryAfter(RetryInterval);
            return e.Message;
        }
    }

    [LoggerMessage(12, LogLevel.Error, "Of revision {Revision} not all is in force: {Reason}.")]
    private partial void LogRefused(ulong revision, string reason);

    [LoggerMessage(13, LogLevel.Warning, "Repairing: {What}.")]
    private partial void LogDrift(string what);
}
