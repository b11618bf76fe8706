using System.ComponentModel;
using CN2.VRouter.Netlink;

namespace CN2.VRouter.Overlay.Plumbing;

/// <summary>
/// Hears the kernel's notices of devices, routes and rules in the network namespace of the thread that makes it, and says when
/// somebody else has touched ours. Costs nothing while nothing happens.
/// </summary>
internal sealed class PlumbingMonitor : IDisposable
{
    // A hundred thousand routes of our own are as many notices; the memory is only used while they wait.
    private const int BufferBytes = 128 * 1024 * 1024;

    // RTNLGRP_: links, IPv4 and IPv6 routes, IPv4 and IPv6 rules.
    private static readonly int[] Groups = [1, 7, 11, 8, 19];

    private readonly RouteSocket _socket = new(BufferBytes);
    private readonly uint _ownPort;
    private readonly Action<string> _drift;
    private readonly Lock _lock = new();
    private readonly Dictionary<int, Watched> _devices = [];
    private readonly HashSet<uint> _tables = [];
    private readonly Thread _thread;
    private (int Index, string Name, int Mtu) _underlay;
    private volatile bool _stop;

    /// <param name="ownPort">The port of the socket whose changes are ours.</param>
    /// <param name="drift">Called on the monitor's thread, must only signal.</param>
    public PlumbingMonitor(uint ownPort, Action<string> drift)
    {
        _ownPort = ownPort;
        _drift = drift;
        try
        {
            foreach (var group in Groups) _socket.Join(group);
        }
        catch
        {
            _socket.Dispose();
            throw;
        }

        _thread = new Thread(Run) { IsBackground = true, Name = "overlay monitor" };
        _thread.Start();
    }

    /// <summary>A device of ours and its table, to be told before the device is set up: what came before that is not taken for a change.</summary>
    public void Watch(int index, string name, int mtu, uint table)
    {
        lock (_lock)
        {
            _devices[index] = new Watched(name, mtu);
            _tables.Add(table);
        }
    }

    public void Forget(int index, uint table)
    {
        lock (_lock)
        {
            _devices.Remove(index);
            _tables.Remove(table);
        }
    }

    /// <summary>The device that holds the node's address: its MTU decides ours.</summary>
    public void WatchUnderlay(Link link)
    {
        lock (_lock) _underlay = (link.Index, link.Name, link.Mtu);
    }

    public void Dispose()
    {
        _stop = true;
        _thread.Join();
        _socket.Dispose();
    }

    private void Run()
    {
        while (!_stop)
        {
            try
            {
                var datagram = _socket.Receive(200, out var lost);
                if (lost) _drift("notices of devices, routes and rules were lost");
                if (!datagram.IsEmpty) Hear(datagram);
            }
            catch (Win32Exception e)
            {
                _drift($"devices, routes and rules are not watched any more: {e.Message}");
                return;
            }
        }
    }

    private void Hear(ReadOnlySpan<byte> datagram)
    {
        var messages = new NetlinkMessages(datagram);
        while (messages.Next())
        {
            string? what;
            lock (_lock)
            {
                what = messages.Type switch
                {
                    RouteMessage.NewLink or RouteMessage.DeleteLink => OfLink(messages.Type, messages.Body),
                    RouteMessage.NewRoute or RouteMessage.DeleteRoute => OfRoute(messages),
                    RouteMessage.DeleteRule => OfRule(messages),
                    _ => null,
                };
            }

            if (what is not null) _drift(what);
        }
    }

    private string? OfLink(ushort type, ReadOnlySpan<byte> body)
    {
        if (Links.Parse(body) is not { } link) return null;
        if (link.Index == _underlay.Index && type == RouteMessage.NewLink && link.Mtu != _underlay.Mtu && link.Mtu > 0)
        {
            _underlay.Mtu = link.Mtu;
            return $"the MTU of {_underlay.Name} is now {link.Mtu}";
        }

        if (!_devices.TryGetValue(link.Index, out var device)) return null;
        if (type == RouteMessage.DeleteLink)
        {
            // A device that leaves one of the kernel's families (a bridge's port) says so by the same message.
            if (body[0] != 0) return null;
            _devices.Remove(link.Index);
            return $"device {device.Name} is gone";
        }

        var right = link.Up && link.Mtu == device.Mtu && link.Name == device.Name;
        if (right) device.SetUp = true;
        if (right || !device.SetUp) return null;
        device.SetUp = false; // once is enough until it is right again
        return $"device {device.Name} was changed";
    }

    private string? OfRoute(NetlinkMessages message)
    {
        var table = OverlayRoutes.TableOf(message.Body);
        return message.Port != _ownPort && _tables.Contains(table) ? $"a route of table 0x{table:x} was changed" : null;
    }

    private string? OfRule(NetlinkMessages message) =>
        message.Port != _ownPort && OverlayRules.Parse(message.Body) is { } rule ? $"rule {rule.Preference} for the mark 0x{rule.Mark:x} is gone" : null;

    private sealed class Watched(string name, int mtu)
    {
        public string Name { get; } = name;

        public int Mtu { get; } = mtu;

        /// <summary>It has been seen as it should be.</summary>
        public bool SetUp { get; set; }
    }
}
