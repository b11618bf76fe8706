using System.ComponentModel;
using CN2.VRouter.Netlink;

namespace CN2.VRouter.Overlay.Plumbing;

/// <summary>
/// Receives the kernel's notices of devices, routes and rules in the network namespace of the thread that makes it, and reports when another
/// process has changed the engine's. It costs nothing while nothing changes.
/// </summary>
internal sealed class PlumbingMonitor : IDisposable
{
    // 100,000 routes of the engine make as many notices; the kernel uses memory only for those that wait.
    private const int BufferBytes = 128 * 1024 * 1024;

    // RTNLGRP_: links, IPv4 and IPv6 routes, IPv4 and IPv6 rules.
    private static readonly int[] Groups = [1, 7, 11, 8, 19];

    private readonly NetlinkSocket _socket = new(NetlinkSocket.Route);
    private readonly uint _ownPort;
    private readonly Action<string> _drift;
    private readonly Lock _lock = new();
    private readonly Dictionary<int, Watched> _devices = [];
    private readonly HashSet<uint> _tables = [];
    private readonly Thread _thread;
    private (int Index, string Name, int Mtu) _underlay;
    private volatile bool _stop;

    /// <param name="ownPort">The port of the socket that makes the engine's own changes.</param>
    /// <param name="drift">Gets a sentence for the log. Called on the monitor's thread, must only signal.</param>
    public PlumbingMonitor(uint ownPort, Action<string> drift)
    {
        _ownPort = ownPort;
        _drift = drift;
        try
        {
            _socket.SetReceiveBuffer(BufferBytes);
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

    /// <summary>Watches a device and its table. Must be called before the device is set up, so that earlier notices do not count as changes.</summary>
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

    /// <summary>Watches the device that holds the node's address: the MTU of the RoutingInstances' devices follows from its MTU.</summary>
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
        var buffer = new byte[256 * 1024];
        while (!_stop)
        {
            try
            {
                var datagram = _socket.Receive(buffer, 200, out var lost);
                if (lost) _drift("notices of devices, routes and rules were lost");
                if (!datagram.IsEmpty) Handle(datagram);
            }
            catch (Win32Exception e)
            {
                _drift($"devices, routes and rules are not watched any more: {e.Message}");
                return;
            }
        }
    }

    private void Handle(ReadOnlySpan<byte> datagram)
    {
        var messages = new NetlinkMessages(datagram);
        while (messages.Next())
        {
            string? what;
            lock (_lock)
            {
                what = messages.Type switch
                {
                    RouteMessages.NewLink or RouteMessages.DeleteLink => OfLink(messages.Type, messages.Body),
                    RouteMessages.NewRoute or RouteMessages.DeleteRoute => OfRoute(messages),
                    RouteMessages.DeleteRule => OfRule(messages),
                    _ => null,
                };
            }

            if (what is not null) _drift(what);
        }
    }

    private string? OfLink(ushort type, ReadOnlySpan<byte> body)
    {
        if (Links.Parse(body) is not { } link) return null;
        if (link.Index == _underlay.Index && type == RouteMessages.NewLink && link.Mtu != _underlay.Mtu && link.Mtu > 0)
        {
            _underlay.Mtu = link.Mtu;
            return $"the MTU of {_underlay.Name} is now {link.Mtu}";
        }

        if (!_devices.TryGetValue(link.Index, out var device)) return null;
        if (type == RouteMessages.DeleteLink)
        {
            // The kernel sends the same message when a device leaves a bridge; the family is then not 0.
            if (body[0] != 0) return null;
            _devices.Remove(link.Index);
            return $"device {device.Name} is gone";
        }

        var right = link.Up && link.Mtu == device.Mtu && link.Name == device.Name;
        if (right) device.SetUp = true;
        if (right || !device.SetUp) return null;
        device.SetUp = false; // one report until it is right again
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

        /// <summary>A notice has shown the device with the right settings.</summary>
        public bool SetUp { get; set; }
    }
}
