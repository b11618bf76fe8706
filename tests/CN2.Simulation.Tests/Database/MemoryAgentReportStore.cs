using System.Net;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Drivers;
using CN2.Api.Reconcile;
using CN2.Network.Resources;

namespace CN2.Simulation.Tests.Database;

internal sealed class MemoryAgentReportStore(DatabaseLink link) : IAgentReportStore
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(4.5);

    /// <summary>The agent is heard regularly; its control node's heartbeat says until when.</summary>
    private static readonly DateTimeOffset Always = DateTimeOffset.MaxValue;

    public Task<AgentRefusal?> JudgeAsync(VRouterHello hello, string controlNode, int maximum, CancellationToken ct) =>
        link.CallAsync(db => Judge(db, hello, controlNode, maximum).Refusal, ct);

    public Task<AgentRefusal?> ConnectAsync(VRouterHello hello, string controlNode, int maximum, DateTimeOffset now, CancellationToken ct) =>
        link.CallAsync(db => db.Write(changes => Connect(db, changes, hello, controlNode, maximum)), ct);

    public Task<IReadOnlyCollection<VRouterHello>> ConnectKnownAsync(IReadOnlyCollection<VRouterHello> hellos, string controlNode, DateTimeOffset now, CancellationToken ct) =>
        link.CallAsync<IReadOnlyCollection<VRouterHello>>(db => db.Write(changes =>
        {
            var taken = hellos.Where(h => db.RouterOf(h.Name) is { } router && IsWhere(router, h) && Judge(db, h, controlNode, int.MaxValue).Refusal is null).ToList();
            foreach (var hello in taken) Connect(db, changes, hello, controlNode, int.MaxValue);
            return taken;
        }), ct);

    public Task<IReadOnlyCollection<VRouterHello>> ConnectNewAsync(IReadOnlyCollection<VRouterHello> hellos, string controlNode, int maximum, DateTimeOffset now, CancellationToken ct) =>
        link.CallAsync<IReadOnlyCollection<VRouterHello>>(db => db.Write(changes =>
        {
            var taken = new List<VRouterHello>();
            foreach (var hello in hellos.Where(h => db.RouterOf(h.Name) is null).OrderBy(h => h.Name, StringComparer.Ordinal))
            {
                if (Connect(db, changes, hello, controlNode, maximum) is null) taken.Add(hello);
            }

            return taken;
        }), ct);

    private static AgentRefusal? Connect(MemoryDatabase db, Changes changes, VRouterHello hello, string controlNode, int maximum)
    {
        var (refusal, router) = Judge(db, hello, controlNode, maximum);
        if (refusal is not null) return refusal;
        var status = router is null ? null : db.RouterStatuses.GetValueOrDefault(router.Uid);
        // A statement that was given up may be carried out later, but this is a transaction that has the row's lock: a newer hello waits for it.
        if (status is not null && status.ControlNode == controlNode && status.Instance == hello.Instance && status.Connection > hello.Connection) return null;
        var isNew = router is null;
        var moved = router is not null && !IsWhere(router, hello);
        if (router is null) router = new VirtualRouter { Uid = db.NewUid(), Name = hello.Name, Address = hello.Address, Address6 = hello.Address6 };
        else if (moved) router = router with { Address = hello.Address, Address6 = hello.Address6 };
        db.Routers[router.Uid] = router;
        var before = status ?? new RouterStatus { Lost = isNew };
        db.RouterStatuses[router.Uid] = before with
        {
            Connected = true,
            ControlNode = controlNode,
            LastSeen = Always,
            Applied = null,
            HeldAt = null,
            Instance = hello.Instance,
            Source = hello.Source,
            Connection = hello.Connection,
        };
        changes.Add(ResourceKind.VirtualRouter, null, hello.Name, router.Uid, isNew ? ChangeVerb.Added : ChangeVerb.Modified, statusOnly: !isNew && !moved);
        return null;
    }

    public Task SaveIntruderAsync(VRouterHello hello, AgentRefusal refusal, DateTimeOffset now, CancellationToken ct) => link.CallAsync(db => db.Write(changes =>
    {
        var message = $"An agent at {hello.Source?.ToString() ?? "an unknown address"} is refused: {refusal.Message}.";
        foreach (var router in db.Routers.Values.Where(r => r.Name == hello.Name || (refusal.Reason == AgentRefusalReason.AddressTaken && Holds(r, hello))))
        {
            var isNews = db.Intruders.GetValueOrDefault((router.Uid, refusal.Reason)).Message != message;
            db.Intruders[(router.Uid, refusal.Reason)] = (message, db.Now);
            if (isNews) changes.Add(ResourceKind.VirtualRouter, null, router.Name, router.Uid, ChangeVerb.Modified, statusOnly: true);
        }

        return true;
    }), ct);

    public Task ForgetIntrudersAsync(CancellationToken ct) => link.CallAsync(db => db.Write(changes =>
    {
        var gone = db.Intruders.Where(i => (i.Value.LastAt - db.Now).Duration() > AgentReportStore.IntruderStays).Select(i => i.Key).ToList();
        foreach (var key in gone) db.Intruders.Remove(key);
        foreach (var uid in gone.Select(k => k.Router).Distinct())
            if (db.Routers.GetValueOrDefault(uid) is { } router) changes.Add(ResourceKind.VirtualRouter, null, router.Name, uid, ChangeVerb.Modified, statusOnly: true);

        return true;
    }), ct);

    public Task DisconnectAsync(string controlNode, IReadOnlyCollection<AgentEnd>? ends, CancellationToken ct) => EndAsync(controlNode, ends, vanished: false, ct);

    public Task VanishAsync(string controlNode, IReadOnlyCollection<AgentEnd> ends, CancellationToken ct) => EndAsync(controlNode, ends, vanished: true, ct);

    private Task<bool> EndAsync(string controlNode, IReadOnlyCollection<AgentEnd>? ends, bool vanished, CancellationToken ct) => link.CallAsync(db => db.Write(changes =>
    {
        foreach (var router in db.Routers.Values)
        {
            var end = ends?.FirstOrDefault(e => e.Name == router.Name);
            if (ends is not null && end is null) continue;
            if (!db.RouterStatuses.TryGetValue(router.Uid, out var status) || !status.Connected || status.ControlNode != controlNode) continue;
            var heard = end is null ? LastHeard(db, status, ControlNodeLiveness.GoneAfter) : Earlier(status.LastSeen, db.Now - (end.Silence > TimeSpan.Zero ? end.Silence : TimeSpan.FromTicks(1)));
            db.RouterStatuses[router.Uid] = status with { Connected = false, LastSeen = heard, VanishedAt = vanished ? db.Now : null };
            changes.Add(ResourceKind.VirtualRouter, null, router.Name, router.Uid, ChangeVerb.Modified, statusOnly: true);
        }

        return true;
    }), ct);

    public Task SaveAsync(string controlNode, IReadOnlyCollection<VirtualRouterProgress> progress, IReadOnlyCollection<string> answered, CancellationToken ct) =>
        link.CallAsync(db => db.Write(changes =>
        {
            foreach (var report in progress)
            {
                if (db.RouterOf(report.Name) is not { } router || !db.RouterStatuses.TryGetValue(router.Uid, out var status) || status.ControlNode != controlNode) continue;
                var isBack = status.Lost && answered.Contains(report.Name);
                var isConnected = !report.Overdue && (status.Connected || report.Silence < AgentReportStore.StreamEnds);
                var isHeard = !report.Overdue && report.Silence < AgentReportStore.HeardWithin;
                var isNews = status.Message != report.Message || status.AppliedRevision != report.AppliedRevision || status.Connected != isConnected || status.Refused != report.Refused;
                db.RouterStatuses[router.Uid] = status with
                {
                    Connected = isConnected,
                    LastSeen = isHeard ? Always : isConnected || status.LastSeen == Always ? db.Now - report.Silence : status.LastSeen,
                    Lost = status.Lost && !isBack,
                    AppliedRevision = report.AppliedRevision,
                    Applied = report.Applied,
                    Message = report.Message,
                    Refused = report.Refused,
                    HeldAt = isConnected ? null : status.HeldAt,
                };
                if (isBack || isNews) changes.Add(ResourceKind.VirtualRouter, null, router.Name, router.Uid, ChangeVerb.Modified, statusOnly: !isBack);
            }

            return true;
        }), ct);

    public Task EnterAsync(string controlNode, CancellationToken ct) => link.CallAsync(db => db.Write(_ =>
    {
        db.AgentsApplied[controlNode] = (this, null);
        return true;
    }), ct);

    public Task ShareAsync(AgentsApplied applied, CancellationToken ct) => link.CallAsync(db => db.Write(_ =>
    {
        if (db.AgentsApplied.GetValueOrDefault(applied.ControlNode, (this, null)).Writer != this) return false;
        db.AgentsApplied[applied.ControlNode] = (this, applied);
        return true;
    }), ct);

    public Task<int> MarkLostAsync(LeaderLease lease, TimeSpan goneAfter, LossRule rule, IReadOnlyCollection<string> carriers, CancellationToken ct) =>
        link.CallAsync(db => db.Write(changes => MarkLost(db, changes, lease, goneAfter, rule, carriers)), ct);

    /// <summary>All parts of the statement see the rows as they were before it.</summary>
    private static int MarkLost(MemoryDatabase db, Changes changes, LeaderLease lease, TimeSpan goneAfter, LossRule rule, IReadOnlyCollection<string> carriers)
    {
        if (!db.IsHeld(lease)) return 0;
        var (lostAfter, vanishedAfter, atOnceWithin, limit) = rule;
        var now = db.Now;
        var rows = db.Routers.Values.Where(r => db.RouterStatuses.ContainsKey(r.Uid)).Select(r => (Router: r, Status: db.RouterStatuses[r.Uid])).ToList();
        var orphaned = rows.Where(r => r.Status.Connected && !IsAlive(r.Status.ControlNode)).ToList();
        var away = rows.Where(r => !r.Status.Lost && (!r.Status.Connected || !IsHeard(db, r.Status, AgentReportStore.Silent, goneAfter) || orphaned.Contains(r)))
            .Select(r => (r.Router, r.Status, Carries: carriers.Contains(r.Router.Name), IsDue: !r.Status.Connected && (!IsNear(r.Status.LastSeen, lostAfter) || (r.Status.VanishedAt is { } at && at > r.Status.LastSeen && !(at > now - vanishedAfter && at < now + vanishedAfter))))).ToList();
        var recent = rows.Count(r => r.Status.Lost && r.Status.LostAt > now - atOnceWithin && r.Status.LostAt < now + atOnceWithin);
        var isMass = away.Count(a => a.Carries) + recent >= (limit > 0 ? limit : Math.Max(2, (carriers.Count + recent + 1) / 2));

        foreach (var (router, status) in orphaned)
        {
            db.RouterStatuses[router.Uid] = status with { Connected = false, LastSeen = LastHeard(db, status, goneAfter) };
            changes.Add(ResourceKind.VirtualRouter, null, router.Name, router.Uid, ChangeVerb.Modified, statusOnly: true);
        }

        foreach (var (router, status, carries, _) in away.Where(a => a.IsDue))
        {
            if (isMass)
            {
                if (status.HeldAt is null) changes.Add(ResourceKind.VirtualRouter, null, router.Name, router.Uid, ChangeVerb.Modified, statusOnly: true);
                if (!IsHeldSince(status, lostAfter / 4)) db.RouterStatuses[router.Uid] = status with { HeldAt = now };
            }
            else if (!IsHeldSince(status, lostAfter / 2))
            {
                db.RouterStatuses[router.Uid] = status with { Lost = true, HeldAt = null, LostAt = carries ? now : null };
                changes.Add(ResourceKind.VirtualRouter, null, router.Name, router.Uid, ChangeVerb.Modified);
            }
        }

        return away.Count(a => a.IsDue && (isMass || IsHeldSince(a.Status, lostAfter / 2)));

        bool IsHeldSince(RouterStatus status, TimeSpan within) => status.HeldAt >= now - within && status.HeldAt <= now + lostAfter;

        bool IsNear(DateTimeOffset at, TimeSpan by) => at >= now - by && at <= now + by;

        bool IsAlive(string? controlNode) => controlNode is not null && db.ControlNodes.GetValueOrDefault(controlNode) is { } row && row.IsAlive(now, goneAfter);
    }

    private static DateTimeOffset LastHeard(MemoryDatabase db, RouterStatus status, TimeSpan goneAfter) =>
        Earlier(status.LastSeen, db.ControlNodes.GetValueOrDefault(status.ControlNode ?? "")?.LastSeen ?? db.Now - goneAfter);

    private static bool IsHeard(MemoryDatabase db, RouterStatus status, TimeSpan within, TimeSpan goneAfter) =>
        LastHeard(db, status, goneAfter) > db.Now - within && (status.LastSeen < db.Now + within || status.LastSeen == Always);

    private static DateTimeOffset Earlier(DateTimeOffset one, DateTimeOffset other) => one < other ? one : other;

    private static (AgentRefusal? Refusal, VirtualRouter? Router) Judge(MemoryDatabase db, VRouterHello hello, string controlNode, int maximum)
    {
        var router = db.RouterOf(hello.Name);
        if (router is not null)
        {
            var status = db.RouterStatuses.GetValueOrDefault(router.Uid);
            var isAlive = status is { Connected: true } && IsHeard(db, status, Fresh, ControlNodeLiveness.GoneAfter)
                && db.ControlNodes.GetValueOrDefault(status.ControlNode ?? "") is { } node && node.IsAlive(db.Now, ControlNodeLiveness.GoneAfter);
            var known = new KnownAgent(router.Uid, router.Address!, router.Address6, status?.ControlNode, status?.Instance, status?.Source, status?.Connection ?? 0, isAlive);
            if (AgentConnection.Judge(hello, known, controlNode) is { } refusal) return (refusal, router);
            if (IsWhere(router, hello)) return (null, router);
        }

        if (db.Routers.Values.Where(r => r.Name != hello.Name && Holds(r, hello)).OrderBy(r => r.Name, StringComparer.Ordinal).FirstOrDefault() is { } holder)
            return (AgentConnection.AddressTaken(Addresses(hello).Contains(holder.Address!) ? holder.Address! : holder.Address6!, holder.Name), router);
        return (router is null && db.Routers.Count >= maximum ? AgentConnection.TooMany(hello.Name, maximum) : null, router);
    }

    private static bool IsWhere(VirtualRouter router, VRouterHello hello) => router.Address!.Equals(hello.Address) && Equals(router.Address6, hello.Address6);

    private static bool Holds(VirtualRouter router, VRouterHello hello) => Addresses(hello).Any(a => a.Equals(router.Address) || a.Equals(router.Address6));

    private static IPAddress[] Addresses(VRouterHello hello) => hello.Address6 is { } address6 ? [hello.Address, address6] : [hello.Address];
}
