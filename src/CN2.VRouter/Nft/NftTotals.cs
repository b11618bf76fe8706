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
                // The last reading counts: a heartbeat must not fail for a counter.
            }

            return _totals.ToDictionary(t => t.Key, t => t.Value.Before + t.Value.Last);
        }
    }

    public void Dispose() => _counters.Dispose();
}
