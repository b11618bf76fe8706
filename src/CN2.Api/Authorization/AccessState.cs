using System.Collections.Frozen;
using CN2.Api.Access;
using CN2.Api.Data;
using Npgsql;

namespace CN2.Api.Authorization;

/// <summary>
/// The role bindings in memory. A right that is taken away is gone everywhere within a second (<see cref="VersionWatch"/>). While the database is away, the
/// bindings of before count; before they were read once, nobody may do anything.
/// </summary>
public sealed partial class AccessState : IDisposable
{
    private readonly VersionWatch _watch;
    private readonly ILogger<AccessState> _logger;
    private CancellationTokenSource _replaced = new();
    private volatile AccessSnapshot _current = AccessSnapshot.Nobody;

    public AccessState([FromKeyedServices(VersionWatch.Access)] VersionWatch watch, ILogger<AccessState> logger)
    {
        (_watch, _logger) = (watch, logger);
        watch.Add(new VersionedTables(ReadAsync, LogAway));
    }

    public AccessSnapshot Current => _current;

    /// <summary>Looks now: what this replica has changed counts here at once.</summary>
    public Task RefreshAsync(CancellationToken cancellationToken) => _watch.RefreshAsync(cancellationToken);

    public void Dispose() => _replaced.Dispose();

    private async Task ReadAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var bindings = await Sql.ReadAllAsync(connection, "SELECT subjects, role, namespaces FROM role_binding",
            row => (Subjects: StoredSubjects.Read(row.GetString(0)), Grant: GrantOf(row.GetString(1), row.GetFieldValue<string[]>(2))), ct);
        Take(bindings.SelectMany(b => b.Subjects.Select(s => (Subject: s, b.Grant))));
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

    [LoggerMessage(EventId = 136, Level = LogLevel.Warning, Message = "Role bindings cannot be read, and those of before count: {Reason}")]
    private partial void LogAway(string reason);
}
