using System.ComponentModel;

namespace CN2.VRouter.Nft;

/// <summary>
/// How many packets <see cref="NftUplink"/> has dropped. The kernel's count begins anew when the table is replaced; this one goes on. Any
/// thread may read; the network namespace is that of the thread that makes it.
/// </summary>
internal sealed class UplinkDrops(string table) : IDisposable
{
    private readonly NftCounters _counters = new(table);
    private readonly Lock _lock = new();
    private long _before;
    private long _last;

    /// <summary>Packets, as far as the readings show: those between a reading and a replacement of the table are not seen.</summary>
    public long Read()
    {
        lock (_lock)
        {
            try
            {
                var now = _counters.Read().GetValueOrDefault(NftUplink.Counter);
                if (now < _last) _before += _last;
                _last = now;
            }
            catch (Win32Exception)
            {
                // The last reading counts: a heartbeat must not fail for a counter.
            }

            return _before + _last;
        }
    }

    public void Dispose() => _counters.Dispose();
}
