using System.Diagnostics.Metrics;
using System.Threading.Channels;
using CN2.Api.Data;
using CN2.Network.Resources;
using Npgsql;

namespace CN2.Api.Audit;

/// <summary>
/// Writes the entries that belong to no transaction: refusals, and dry runs. They wait in a bounded queue, so that no request waits for them, and alike ones of a second are one
/// row. What is too much, or comes while the database is away for long, is dropped and counted: a storm of refusals must fill neither the memory nor the table. Those of callers
/// that are not known have a room of their own, so that nobody hides a refusal among them.
/// </summary>
public sealed partial class AuditQueue : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan SayEvery = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LastPatience = TimeSpan.FromSeconds(2);

    private readonly Channel<AuditEntry> _queue = Channel.CreateBounded<AuditEntry>(Limits.AuditWaiting);
    private readonly StrangersRefusals _strangers = new();
    private readonly NpgsqlDataSource _source;
    private readonly AuditLog _log;
    private readonly TimeProvider _time;
    private readonly ILogger<AuditQueue> _logger;
    private readonly List<AuditEntry> _pending = [];
    private long _dropped;
    private long _droppedSaid;
    private long? _saidAt;

    public AuditQueue(NpgsqlDataSource source, AuditLog log, IMeterFactory meters, TimeProvider time, ILogger<AuditQueue> logger)
    {
        (_source, _log, _time, _logger) = (source, log, time, logger);
        meters.Create("CN2.Audit").CreateObservableCounter("cn2.audit.dropped", () => Dropped, "{entry}", "Refusals and dry runs that are not in the audit log, because they were too many or the database was away");
    }

    /// <summary>How many entries were dropped.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Returns at once.</summary>
    public void Add(AuditEntry entry)
    {
        if (!(entry.Origin.CallerKind == AuditOrigin.Unknown ? _strangers.TryAdd(entry) : _queue.Writer.TryWrite(entry))) Interlocked.Increment(ref _dropped);
    }

    /// <summary>Writes what waits, at most <see cref="Limits.AuditedRefusals"/> rows of callers that are known, and <see cref="Limits.AuditedStrangers"/> of others.</summary>
    public async Task FlushAsync(CancellationToken ct)
    {
        if (_pending.Count == 0) Take();
        if (_pending.Count > 0)
        {
            await using var connection = await _source.OpenConnectionAsync(ct);
            await using var batch = new NpgsqlBatch(connection) { BatchCommands = { AuditTable.Insert(_pending) } };
            await batch.ExecuteNonQueryAsync(ct);
            _log.Write(_pending);
            _pending.Clear();
        }

        SayDropped();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(Interval, _time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            try
            {
                using var last = stoppingToken.IsCancellationRequested ? new CancellationTokenSource(LastPatience) : null;
                await FlushAsync(last?.Token ?? stoppingToken);
            }
            catch (Exception e)
            {
                // While the database is away they wait, and the queue takes no more than it can hold. What it refuses must not stand in the way of the others.
                LogPostponed(e.GetBaseException().Message);
                if (PostgresErrors.IsAway(e) || e is OperationCanceledException) continue;
                Interlocked.Add(ref _dropped, _pending.Count);
                _pending.Clear();
            }
        }
    }

    /// <summary>Takes what waits. Alike ones become one row; of what is still too much the first are kept.</summary>
    private void Take()
    {
        var alike = new Dictionary<object, int>();
        while (_queue.Reader.TryRead(out var entry))
        {
            var (origin, subject) = (entry.Origin, entry.Subject);
            var key = (origin.CallerKind, origin.CallerName, origin.Source, origin.Method, origin.Path, subject, entry.Status, (entry.Code, entry.IsDryRun));
            if (alike.TryGetValue(key, out var index)) _pending[index] = _pending[index] with { Repeated = _pending[index].Repeated + 1 };
            else if (_pending.Count == Limits.AuditedRefusals) Interlocked.Increment(ref _dropped);
            else
            {
                alike[key] = _pending.Count;
                _pending.Add(entry);
            }
        }

        _pending.AddRange(_strangers.Take());
    }

    private void SayDropped()
    {
        var dropped = Dropped;
        if (dropped == _droppedSaid || (_saidAt is { } at && _time.GetElapsedTime(at) < SayEvery)) return;
        LogDropped(dropped - _droppedSaid);
        (_droppedSaid, _saidAt) = (dropped, _time.GetTimestamp());
    }

    [LoggerMessage(EventId = 141, Level = LogLevel.Warning, Message = "{Count} refusals are not in the audit log: they were too many for it, or the database was away. cn2_audit_dropped_total counts them")]
    private partial void LogDropped(long count);

    [LoggerMessage(EventId = 142, Level = LogLevel.Warning, Message = "Refusals wait for the audit log: {Reason}")]
    private partial void LogPostponed(string reason);
}
