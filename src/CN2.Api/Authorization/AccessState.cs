using System.Collections.Frozen;
using System.Text.Json;
using CN2.Api.Access;
using CN2.Api.Data;
using Npgsql;

namespace CN2.Api.Authorization;

/// <summary>
/// The role bindings in memory. Each replica asks more than twice a second whether they have changed (<c>access_state.version</c>), so a right that is
/// taken away is gone everywhere within a second. While the database is away, the bindings of before count; before they were read once, nobody
/// may do anything.
/// </summary>
public sealed partial class AccessState(
    [FromKeyedServices(DatabasePools.ControlLoop)] NpgsqlDataSource source, TimeProvider time, ILogger<AccessState> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(400);

    private readonly SemaphoreSlim _looking = new(1);
    private CancellationTokenSource _replaced = new();
    private volatile AccessSnapshot _current = AccessSnapshot.Nobody;
    private long? _version;
    private bool _isAway;

    public AccessSnapshot Current => _current;

    /// <summary>Looks now: what this replica has changed counts here at once.</summary>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        await _looking.WaitAsync(cancellationToken);
        try
        {
            await LookAsync(cancellationToken);
            _isAway = false;
        }
        catch (Exception e) when (PostgresErrors.IsAway(e) || PostgresErrors.Find(e) is not null || e is JsonException)
        {
            if (!_isAway) LogAway(e.GetBaseException().Message);
            _isAway = true;
            _version = null; // it may be another database, or an older state of this one, when it is back
        }
        finally
        {
            _looking.Release();
        }
    }

    /// <summary>Before the server takes requests, and after the database is ready.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await RefreshAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    public override void Dispose()
    {
        base.Dispose();
        _looking.Dispose();
        _replaced.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken)) await RefreshAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The server stops.
        }
    }

    private async Task LookAsync(CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        // The version is read first: what changes in between is found by the next look.
        var version = await Sql.ReadAllAsync(connection, "SELECT version FROM access_state", row => row.GetInt64(0), ct);
        if (version is not [var now] || now == _version) return;
        var bindings = await Sql.ReadAllAsync(connection, "SELECT subjects, role, namespaces FROM role_binding",
            row => (Subjects: StoredSubjects.Read(row.GetString(0)), Grant: GrantOf(row.GetString(1), row.GetFieldValue<string[]>(2))), ct);
        Take(bindings.SelectMany(b => b.Subjects.Select(s => (Subject: s, b.Grant))));
        _version = now;
    }

    private void Take(IEnumerable<(Subject Subject, RoleGrant Grant)> bindings)
    {
        var before = _replaced;
        _replaced = new CancellationTokenSource();
        _current = new AccessSnapshot(bindings.GroupBy(b => b.Subject, b => b.Grant).ToFrozenDictionary(g => g.Key, g => g.ToArray()), _replaced.Token);
        before.Cancel(); // not disposed: somebody may be about to register with its token
    }

    /// <summary>A role that this version does not know gives nothing.</summary>
    private static RoleGrant GrantOf(string role, string[] namespaces) =>
        Enum.TryParse<Role>(role, ignoreCase: true, out var known) && Enum.IsDefined(known) ? new RoleGrant(known, namespaces.Contains("*") ? null : namespaces) : new RoleGrant(Role.Viewer, []);

    [LoggerMessage(EventId = 140, Level = LogLevel.Warning, Message = "Role bindings cannot be read, and those of before count: {Reason}")]
    private partial void LogAway(string reason);
}
