using CN2.Network.Resources;

namespace CN2.Api.Allocation;

/// <summary>The progress of one demand: the option, and in each of its families the source that is tried.</summary>
internal sealed class AddressCursor
{
    private readonly AddressDemand _demand;
    private int _option = -1;
    private PoolSource[][] _sources = [];
    private int[] _tried = [];
    private TakenAddress?[] _taken = [];
    private bool _done;

    public AddressCursor(AddressDemand demand)
    {
        _demand = demand;
        demand.Chosen = -1;
        demand.Taken = [];
        NextOption();
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

    /// <summary>Takes from the addresses of this round. A source without one is exhausted, so the demand moves to the next source or option.</summary>
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
                addresses.Add(back, isOwn: false);
            }

            NextOption();
        }
        else if (Array.TrueForAll(_taken, t => t is not null))
        {
            _done = true;
            _demand.Chosen = _option;
            _demand.Taken = Array.ConvertAll(_taken, t => t!.Place);
        }
    }

    private PoolSource SourceOf(int family) => _sources[family][_tried[family]];

    private NamespacedName? HolderOf(int family) => _demand.HolderIn?.Invoke(SourceOf(family).SubnetId);

    private void NextOption()
    {
        do _option++;
        while (_option < _demand.Options.Count && _demand.Options[_option].SubnetsOfFamily.Any(s => s.Count == 0));
        if (_option == _demand.Options.Count)
        {
            _done = true;
            return;
        }

        _sources = Array.ConvertAll(_demand.Options[_option].SubnetsOfFamily, PoolSource.Of);
        _tried = new int[_sources.Length];
        _taken = new TakenAddress?[_sources.Length];
    }
}
