using System.Net;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>By which numbers (RFC 7911) the engine sends the wanted paths to routers. Threads as with <see cref="WantedPaths"/>.</summary>
internal sealed class PathNumbers(WantedState state)
{
    /// <inheritdoc cref="IBgpSpeaker.PathIdentifiersOf"/>
    /// <param name="isConnected">False: the engine is away, and nobody knows which numbers it will give.</param>
    public IReadOnlyList<uint> IdentifiersOf(IReadOnlyCollection<BgpPathKey> paths, bool isConnected)
    {
        var identifiers = new List<uint>(paths.Count);
        var given = new Dictionary<EngineRouteKey, uint>();
        lock (state.Lock)
        {
            foreach (var path in paths)
            {
                if (EngineRouteKey.From(path) is not { } key) identifiers.Add(0);
                else if (state.Table.Find(key, path.Path.NextHop) is { } held) identifiers.Add(held.WireIdentifier);
                else identifiers.Add(isConnected ? Next(key) : 0);
            }
        }
        return identifiers;

        uint Next(EngineRouteKey key)
        {
            var next = given.TryGetValue(key, out var last) ? last + 1 : state.Table.NextWireIdentifier(key);
            if (next > 0) given[key] = next;
            return next;
        }
    }

    /// <summary>The engine has given the path this number.</summary>
    public void Learn(EngineRouteKey key, IPAddress nextHop, uint wireIdentifier)
    {
        if (wireIdentifier == 0) return;
        lock (state.Lock)
        {
            if (state.Table.Find(key, nextHop) is not { } held || held.WireIdentifier == wireIdentifier) return;
            state.Table.Learn(key, nextHop, wireIdentifier);
            state.Moved.Add((key, nextHop)); // its row says another number
        }
    }

    /// <summary>The engine lacks the path and gets it again: it will have another number.</summary>
    public HeldPath Renew(EngineTurn turn, EngineRouteKey key, HeldPath path)
    {
        turn.Require();
        lock (state.Lock)
        {
            // Whether the engine has used the number up is not known: it may never have got the path.
            state.Table.DoubtNumbers(key);
            return state.Table.Renew(key, path);
        }
    }

    /// <summary>These changes are about to be sent: the engine may carry them out and never answer.</summary>
    public void NoteSending(EngineTurn turn, IEnumerable<PathChange> changes)
    {
        turn.Require();
        lock (state.Lock)
        {
            foreach (var change in changes)
                if (!change.IsWithdraw && state.Table.Find(change.Key, change.Path.NextHop.Address) is { WireIdentifier: 0 }) state.Unnumbered.Add(change.Key);
        }
    }

    /// <summary>The engine refused some of these changes, and others were sent more than once.</summary>
    public void DoubtNumbers(EngineTurn turn, IReadOnlyList<PathChange> changes, IEnumerable<EngineRouteKey> refused)
    {
        turn.Require();
        var withdrawn = changes.Where(c => c.IsWithdraw).Select(c => c.Key).ToHashSet();
        var doubtful = changes.Where(c => !c.IsWithdraw && withdrawn.Contains(c.Key)).Select(c => c.Key).Concat(refused);
        lock (state.Lock)
        {
            foreach (var key in doubtful)
            {
                state.Table.DoubtNumbers(key);
                state.Unnumbered.Add(key);
            }
        }
    }

    /// <summary>The engine was in use before this server knew it, so which numbers it has used up is not known.</summary>
    public void DoubtNumbers(EngineTurn turn)
    {
        turn.Require();
        lock (state.Lock) state.Table.DoubtNumbers();
    }

    /// <summary>The prefixes of which the engine must be asked for the numbers of paths.</summary>
    public List<EngineRouteKey> ToAskNumber(EngineTurn turn)
    {
        turn.Require();
        lock (state.Lock)
        {
            state.Unnumbered.RemoveWhere(k => state.Table[k].IsEmpty);
            return [.. state.Unnumbered];
        }
    }

    /// <summary>The engine was asked.</summary>
    public void Numbered(EngineTurn turn, IEnumerable<EngineRouteKey> keys)
    {
        turn.Require();
        lock (state.Lock) state.Unnumbered.ExceptWith(keys);
    }

    /// <summary>
    /// How many paths an empty engine would have to be given only to use up their numbers; see <see cref="PathTable.UnusedNumbers"/>. <see cref="long.MaxValue"/> also when the
    /// engine ended before the number of a path was known. To be called before <see cref="AllForEmptyEngine"/>, which forgets which those are.
    /// </summary>
    public long UnusedNumbers(EngineTurn turn)
    {
        turn.Require();
        // About VPN paths the engine is asked seldom, and mostly it has told their numbers before.
        lock (state.Lock)
            return state.Unnumbered.Any(k => k.Family.IsVpn() ? state.HasUnnumbered(k) : !state.Table[k].IsEmpty) ? long.MaxValue : state.Table.UnusedNumbers();
    }

    /// <summary>
    /// All paths, in the order in which an empty engine must get them, with paths between them that only use up numbers and are withdrawn at
    /// once; see <see cref="PathTable.Arrange"/>.
    /// </summary>
    public IReadOnlyList<PathChange> AllForEmptyEngine(EngineTurn turn, bool mayRenumber)
    {
        turn.Require();
        var changes = new List<PathChange>();
        lock (state.Lock)
        {
            state.Unnumbered.Clear();
            foreach (var (key, order) in state.Table.Arrange(mayRenumber))
            {
                var any = order.First(p => p is not null)!.Value;
                var identifier = uint.MaxValue;
                foreach (var path in order)
                {
                    if (path is { } one)
                    {
                        changes.Add(new(key, one, IsWithdraw: false));
                        continue;
                    }
                    while (order.Any(p => p?.Identifier == identifier)) identifier--;
                    var filler = any with { Identifier = identifier--, Attributes = any.Attributes.AsPlain() };
                    changes.Add(new(key, filler, IsWithdraw: false));
                    changes.Add(new(key, filler, IsWithdraw: true));
                }
            }
        }
        return changes;
    }
}
