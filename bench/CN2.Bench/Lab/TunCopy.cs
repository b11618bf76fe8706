using CN2.VRouter.Overlay.Native;

namespace CN2.Bench.Lab;

/// <summary>The least a user-space forwarder can do: a thread that reads packets from one TUN device and writes them to another.</summary>
internal sealed class TunCopy : IDisposable
{
    private readonly TunDevice _from;
    private readonly TunDevice _to;
    private readonly EventLoop _events = new();
    private readonly Thread _thread;
    private volatile bool _stop;
    private long _packets;

    public TunCopy(string from, string to)
    {
        _from = new TunDevice(from);
        _to = new TunDevice(to);
        foreach (var device in (string[])[from, to]) Command.Run("ip", "link", "set", device, "mtu", "1468", "txqueuelen", "2000", "up");
        _events.Watch(_from.Descriptor, 1);
        _thread = new Thread(Run) { IsBackground = true, Name = "tun copy" };
        _thread.Start();
    }

    public long Packets => Volatile.Read(ref _packets);

    public void Dispose()
    {
        _stop = true;
        _events.WakeUp();
        _thread.Join();
        _events.Dispose();
        _from.Dispose();
        _to.Dispose();
    }

    private void Run()
    {
        var buffer = new byte[65536];
        while (!_stop)
        {
            for (var ready = _events.Wait(); ready > 0; ready--) _ = _events.Key(ready - 1);
            while (_from.Read(buffer) is var length and > 0)
            {
                if (_to.Write(buffer.AsSpan(0, length))) _packets++;
            }
        }
    }
}
