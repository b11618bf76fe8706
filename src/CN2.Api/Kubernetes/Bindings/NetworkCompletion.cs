using CN2.Api.Access;
using CN2.Api.Allocation;
using CN2.Api.Data;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Writes;
using CN2.Network.Resources;
using Npgsql;

namespace CN2.Api.Kubernetes.Bindings;

/// <summary>
/// Makes networks of VirtualNetworks whose Subnets exist and that no write has completed: the write of their Subnet had too many of them, or what was in the way is gone, such
/// as a missing grant. The leading replica does it, a few at a time and each in a transaction of its own, so that the catalog is never locked for long. What is done stands in
/// the database alone, so a restart loses nothing.
/// </summary>
internal sealed partial class NetworkCompletion(
    NetworkWriting writing, ILeadership leadership, TransactionRunner runner, NpgsqlDataSource source, TimeProvider time, ILogger<NetworkCompletion> logger) : BackgroundService
{
    /// <summary>VirtualNetworks of one look.</summary>
    private const int Most = 1000;

    /// <summary>One that could not be made is tried again after this time, and then after twice as much each time.</summary>
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>A look that took long is followed by the next one so many times later: who keeps large objects waiting does not keep the database busy.</summary>
    private const int Rest = 20;

    /// <summary>
    /// All Subnets that it names may exist: as objects of their own, or as subnets of a network whose subnets have such names (<see cref="SubnetUsers"/>, which has the last word).
    /// </summary>
    private const string Complete =
        """
        SELECT o.uid, o.namespace, o.name FROM kubernetes_object o
        WHERE o.resource = $1 AND o.is_alone AND o.deleting_at IS NULL AND o.uid > $3 AND o.uid <> ALL ($5)
            AND NOT EXISTS (SELECT FROM kubernetes_object n WHERE n.resource = 'namespaces' AND n.namespace = '' AND n.name = o.namespace AND n.deleting_at IS NOT NULL)
            AND concat(o.document #>> '{spec,v4SubnetReference,name}', o.document #>> '{spec,v6SubnetReference,name}') <> ''
            AND NOT EXISTS (
                SELECT FROM (VALUES (o.document #> '{spec,v4SubnetReference}'), (o.document #> '{spec,v6SubnetReference}')) r (reference),
                    LATERAL (SELECT coalesce(nullif(r.reference ->> 'namespace', ''), o.namespace) AS namespace, r.reference ->> 'name' AS name) t
                WHERE t.name <> ''
                    AND NOT EXISTS (SELECT FROM kubernetes_object s WHERE s.resource = $2 AND s.namespace = t.namespace AND s.name = t.name)
                    AND NOT EXISTS (SELECT FROM external_network e WHERE e.namespace = t.namespace AND e.name = substring(t.name FROM '^(.+)-v[46](-[0-9]+)?$')))
        ORDER BY o.uid LIMIT $4
        """;

    /// <summary>Those that could not be made: when they are due again, and the pause before that.</summary>
    private readonly Dictionary<Guid, (long Since, TimeSpan Pause)> _tried = [];

    private Guid _after = Guid.Empty;
    private TimeSpan _rest;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (leadership.Current is { } lease) await LookAsync(lease, stoppingToken);
                else _tried.Clear(); // whoever begins to lead tries all of them
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogPostponed(e.GetBaseException().Message);
            }

            await Task.Delay(_rest < Interval ? Interval : _rest < LongestPause ? _rest : LongestPause, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Tries the next ones, at most <see cref="Limits.CompletedNetworks"/>. How many have become networks.</summary>
    internal async Task<int> LookAsync(LeaderLease lease, CancellationToken ct)
    {
        Guid[] resting = [.. _tried.Where(t => time.GetElapsedTime(t.Value.Since) < t.Value.Pause).Select(t => t.Key)];
        List<Waiting> due;
        var began = time.GetTimestamp();
        await using (var connection = await source.OpenConnectionAsync(ct))
        {
            due = await Sql.ReadAllAsync(
                connection, Complete, row => new Waiting(row.GetGuid(0), row.GetString(1), row.GetString(2)), ct,
                Sql.Value(SubnetUsers.VirtualNetworks), Sql.Value(NetworkSchemas.Subnet.QualifiedName), Sql.Value(_after), Sql.Value(Most), Sql.Value(resting));
        }

        _rest = Rest * time.GetElapsedTime(began);
        if (_after == Guid.Empty && due.Count < Most) Forget([.. due.Select(w => w.Uid), .. resting]);
        var (tried, made) = (0, 0);
        foreach (var row in due.Take(Limits.CompletedNetworks))
        {
            tried++;
            if (await TryAsync(row, lease, ct)) made++;
        }

        _after = tried < due.Count ? due[tried - 1].Uid : due.Count == Most ? due[^1].Uid : Guid.Empty;
        return made;
    }

    /// <summary>One that cannot be made keeps no other waiting.</summary>
    private async Task<bool> TryAsync(Waiting row, LeaderLease lease, CancellationToken ct)
    {
        var isMade = false;
        try
        {
            isMade = await runner.RunAsync(async (scope, token) =>
            {
                scope.Rights = CallerRights.All; // who wrote the parts is kept with them, and decides
                await Catalog.LockAsync(scope.Connection, token);
                var locked = await KubernetesObjectTable.ReadAsync(
                    scope.Connection, $"o.resource = $1 AND o.uid = $2 AND o.is_alone AND o.deleting_at IS NULL AND {LeaderLease.IsHeld("$3", "$4")} FOR UPDATE", token,
                    Sql.Value(SubnetUsers.VirtualNetworks), Sql.Value(row.Uid), LeaderLease.RunOf(lease), LeaderLease.FenceOf(lease));
                return locked is [var kept] && await writing.CompleteAsync(scope, kept, null, token) is not null;
            }, ct);
        }
        catch (Exception e) when (!ct.IsCancellationRequested && !PostgresErrors.IsAway(e))
        {
            LogWaits($"{row.Namespace}/{row.Name}", e.GetBaseException().Message);
        }

        var pause = _tried.TryGetValue(row.Uid, out var last) ? last.Pause * 2 : FirstPause;
        if (isMade) _tried.Remove(row.Uid);
        else _tried[row.Uid] = (time.GetTimestamp(), pause < LongestPause ? pause : LongestPause);
        return isMade;
    }

    /// <summary>Those that no longer wait.</summary>
    private void Forget(HashSet<Guid> still)
    {
        foreach (var uid in _tried.Keys.Where(u => !still.Contains(u)).ToList()) _tried.Remove(uid);
    }

    private sealed record Waiting(Guid Uid, string Namespace, string Name);

    [LoggerMessage(EventId = 193, Level = LogLevel.Warning, Message = "VirtualNetwork {Name} cannot become a network yet, and is tried again: {Reason}")]
    private partial void LogWaits(string name, string reason);

    [LoggerMessage(EventId = 194, Level = LogLevel.Warning, Message = "VirtualNetworks that wait for their Subnets are looked at later: {Reason}")]
    private partial void LogPostponed(string reason);
}
