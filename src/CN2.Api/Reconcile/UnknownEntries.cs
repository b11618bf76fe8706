using System.Net;
using CN2.Network.Compilation;
using CN2.Network.Resources;
using CN2.Network.Sequencing;

namespace CN2.Api.Reconcile;

/// <summary>
/// vRouters through which another control node announces a route whose entries are not known here. It keeps the last route of a FloatingIP until the next one is confirmed, and a control
/// node that has just started has never known what the route needs. Its whole configuration would take these entries from the vRouter, which has them from the other one: it waits
/// until the route is withdrawn. What a control node has known it holds itself (<see cref="RouteSequencer"/>). While there are other control nodes, a vRouter also waits until the change feed was
/// read since it came: another one may have read on, and have given it more.
/// </summary>
internal sealed class UnknownEntries(LoopState state)
{
    /// <summary>A whole configuration waits so long at most: the other control node withdraws the route by then, and routers follow.</summary>
    public static readonly TimeSpan Patience = RouteSequencer.BreakHold + RouteSequencer.EntryHold;

    /// <summary>FloatingIPs that others announce by a path that the resources did not ask for when its rows had changed.</summary>
    private readonly HashSet<Guid> _suspected = [];

    /// <summary>vRouter that is due its whole configuration → since when.</summary>
    private readonly Dictionary<string, DateTimeOffset> _since = [];

    /// <summary>When to ask again, if nothing changes before; null: nobody waits.</summary>
    public DateTimeOffset? DueAt { get; private set; }

    /// <summary>Which of these vRouters must wait. Asked before each flush.</summary>
    /// <param name="newcomers">vRouters that are due their whole configuration.</param>
    /// <param name="now">The time.</param>
    public IReadOnlySet<string> Among(IReadOnlyCollection<string> newcomers, DateTimeOffset now)
    {
        foreach (var floatingIP in state.Others.TakeChanged())
        {
            if (Unasked(floatingIP).Any()) _suspected.Add(floatingIP);
        }

        foreach (var name in _since.Keys.Where(n => !newcomers.Contains(n)).ToList()) _since.Remove(name);
        DueAt = null;
        state.AwaitedReadingAt = null;
        if (newcomers.Count == 0 || !(state.Others.Any || _suspected.Count > 0)) return new HashSet<string>();
        var found = Found(newcomers);
        foreach (var name in newcomers)
        {
            if (!_since.TryGetValue(name, out var since)) _since[name] = since = now;
            var isUnread = state.Others.Any && state.FeedReadAt < since;
            if (isUnread || found.Contains(name)) Wait(name, since, isUnread);
        }

        return found;

        void Wait(string name, DateTimeOffset since, bool isUnread)
        {
            if (since + Patience <= now)
            {
                found.Remove(name);
                return;
            }

            found.Add(name);
            if (!(DueAt <= since + Patience)) DueAt = since + Patience;
            if (isUnread && !(state.AwaitedReadingAt >= since)) state.AwaitedReadingAt = since;
        }
    }

    private HashSet<string> Found(IReadOnlyCollection<string> newcomers)
    {
        HashSet<string> found = [];
        if (_suspected.Count == 0) return found;
        var byAddress = newcomers.Select(state.Resources.VirtualRouter).OfType<VirtualRouter>()
            .SelectMany(r => new[] { r.Address, r.Address6 }.OfType<IPAddress>().Select(a => (Address: a, r.Name))).ToLookup(r => r.Address, r => r.Name);
        foreach (var floatingIP in _suspected)
        {
            var unasked = Unasked(floatingIP).ToList();
            if (unasked.Count == 0) _suspected.Remove(floatingIP);
            foreach (var path in unasked)
            {
                foreach (var name in byAddress[path.NextHop])
                    if (!state.Sequencer.Carries(state.OwnerOf(floatingIP), floatingIP, path.RoutingInstance, name)) found.Add(name);
            }
        }

        return found;
    }

    /// <summary>The paths of control nodes that are alive, but for those of the routes that the resources ask for. What is left of a dead one stays for longer than anybody may wait.</summary>
    private IEnumerable<RouteKey> Unasked(Guid floatingIP)
    {
        var paths = state.Others.PathsOfAlive(floatingIP);
        return state.Sequencer.Compiled.TryGetValue(state.OwnerOf(floatingIP), out var compiled) ? paths.Except(compiled.Routes.Where(r => r.FloatingIP == floatingIP).Select(r => r.Path)) : paths;
    }
}
