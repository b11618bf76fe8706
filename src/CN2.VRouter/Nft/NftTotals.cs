using System.ComponentModel;

namespace CN2.VRouter.Nft;

/// <summary>
/// Packets by named counter, of both tables together, since it was made. The kernel's counts begin anew when a table is replaced; these go on. Any thread
/// may read; the network namespace is that of the thread that makes it.
/// </summary>
internal sealed class NftTotals(string table) : IDisposable
{
    private readonly NftCounters _counters = new(table);
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (long Before, long Last)> _totals = [];

    /// <summary>Packets by counter, as far as the readings show: those between a reading and a replacement of the table are not seen.</summary>
    public IReadOnlyDictionary<string, long> Read()
    {
        lock (_lock)
        {
            Update();
            return _totals.ToDictionary(t => t.Key, t => t.Value.Before + t.Value.Last);
        }
    }

    /// <summary>The table is about to be replaced: what it has counted is kept, however much the next one counts before it is read.</summary>
    public void Keep()
    {
        lock (_lock)
        {
            Update();
            foreach (var (name, (before, last)) in _totals.ToList()) _totals[name] = (before + last, 0);
        }
    }

    private void Update()
    {
        try
        {
            var now = _counters.Read();
            foreach (var name in now.Keys.Union(_totals.Keys).ToList())
            {
                var (before, last) = _totals.GetValueOrDefault(name);
                var count = now.GetValueOrDefault(name);
                _totals[name] = (count < last ? before + last : before, count);
            }
        }
        catch (Win32Exception)
        {
            // The last reading counts: neither a heartbeat nor a change of the table may fail for a counter.
        }
    }

    public void Dispose() => _counters.Dispose();
}
