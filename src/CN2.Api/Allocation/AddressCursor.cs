using CN2.Network.Resources;

namespace CN2.Api.Allocation;

/// <summary>The progress of one demand: the attempt, and in each of its families the source that is tried.</summary>
internal sealed class AddressCursor
{
    private readonly AddressDemand _demand;
    private readonly List<(int Option, PoolSource[][] Sources)> _attempts;
    private int _attempt = -1;
    private PoolSource[][] _sources = [];
    private int[] _tried = [];
    private TakenAddress?[] _taken = [];
    private bool _done;

    public AddressCursor(AddressDemand demand)
    {
        _demand = demand;
        demand.Chosen = -1;
        demand.Taken = [];
        _attempts = AttemptsOf(demand.Options);
        NextAttempt();
    }

    /// <summary>Where an address is looked for in the next round, and for whom.</summary>
    public IEnumerable<(PoolSource Source, NamespacedName? Holder)> Missing()
    {
        if (_done) yield break;
        for (var f = 0; f < _taken.Length; f++)
        {
            if (_taken[f] is null) yield return (SourceOf(f), HolderOf(f));
        }
    }

    /// <summary>Takes from the addresses of this round. A source without one is exhausted, so the demand moves to the next source or attempt.</summary>
    public void Serve(Dictionary<PoolSource, TakenAddresses> got)
    {
        if (_done) return;
        var failed = false;
        for (var f = 0; f < _taken.Length; f++)
        {
            if (_taken[f] is not null) continue;
            _taken[f] = got.GetValueOrDefault(SourceOf(f))?.TakeFor(HolderOf(f));
            if (_taken[f] is null && ++_tried[f] == _sources[f].Length) failed = true;
        }

        if (failed)
        {
            // Those after this one may need them in the same round.
            for (var f = 0; f < _taken.Length; f++)
            {
                if (_taken[f] is not { } back) continue;
                if (!got.TryGetValue(SourceOf(f), out var addresses)) got[SourceOf(f)] = addresses = new TakenAddresses();
                addresses.GiveBack(back);
            }

            NextAttempt();
        }
        else if (Array.TrueForAll(_taken, t => t is not null))
        {
            _done = true;
            _demand.Chosen = _attempts[_attempt].Option;
            _demand.Taken = Array.ConvertAll(_taken, t => t!.Place);
        }
    }

    private PoolSource SourceOf(int family) => _sources[family][_tried[family]];

    private NamespacedName? HolderOf(int family) => _demand.HolderIn?.Invoke(SourceOf(family).SubnetId);

    /// <summary>
    /// The options in their order. Of several with the same number of families, which are networks of one selection, none gives an address that rests
    /// while another one has a free address.
    /// </summary>
    private static List<(int Option, PoolSource[][] Sources)> AttemptsOf(IReadOnlyList<PoolOption> options)
    {
        var attempts = new List<(int, PoolSource[][])>();
        for (var first = 0; first < options.Count;)
        {
            var families = options[first].SubnetsOfFamily.Length;
            var alike = Enumerable.Range(first, options.Count - first).TakeWhile(o => options[o].SubnetsOfFamily.Length == families).ToList();
            first += alike.Count;
            alike.RemoveAll(o => options[o].SubnetsOfFamily.Any(s => s.Count == 0));
            if (alike.Count > 1) attempts.AddRange(alike.Select(o => (o, Array.ConvertAll(options[o].SubnetsOfFamily, s => PoolSource.Of(s, alsoResting: false)))));
            attempts.AddRange(alike.Select(o => (o, Array.ConvertAll(options[o].SubnetsOfFamily, PoolSource.Of))));
        }

        return attempts;
    }

    private void NextAttempt()
    {
        _attempt++;
        if (_attempt == _attempts.Count)
        {
            _done = true;
            return;
        }

        _sources = _attempts[_attempt].Sources;
        _tried = new int[_sources.Length];
        _taken = new TakenAddress?[_sources.Length];
    }
}
