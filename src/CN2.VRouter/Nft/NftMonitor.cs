using System.ComponentModel;
using System.Text;
using CN2.VRouter.Netlink;

namespace CN2.VRouter.Nft;

/// <summary>
/// Hears every change of nftables in this network namespace (NFNLGRP_NFTABLES, as `nft monitor` does) and says when somebody else
/// has touched our tables. Costs nothing while nothing happens: the tables are never read.
/// </summary>
internal sealed class NftMonitor : IDisposable
{
    private const int Group = 7; // NFNLGRP_NFTABLES
    private const int Subsystem = 10; // NFNL_SUBSYS_NFTABLES
    private const ushort NewGeneration = (Subsystem << 8) | 15;
    private const ushort GetGeneration = (Subsystem << 8) | 16;

    // A transaction of 50,000 services is about 30 MB of notices; the memory is only used while they wait.
    private const int BufferBytes = 128 * 1024 * 1024;

    private readonly byte[] _table;
    private readonly Action<string> _drift;
    private readonly Action _lost;
    private readonly Thread _thread;
    private readonly Lock _lock = new();
    private readonly HashSet<uint> _own = [];
    private readonly Queue<uint> _ownOrder = [];
    private readonly HashSet<uint> _unseen = [];
    private volatile bool _stop;
    private uint _lastSeen;
    private NetlinkSocket _socket;

    /// <param name="drift">Called on the monitor's thread, must only signal; so must <paramref name="lost"/>: notices were lost.</param>
    public NftMonitor(string table, Action<string> drift, Action lost)
    {
        _table = Encoding.ASCII.GetBytes(table + '\0');
        _drift = drift;
        _lost = lost;
        _socket = Open();
        _lastSeen = ReadGeneration();
        _thread = new Thread(Run) { IsBackground = true, Name = "nft monitor" };
        _thread.Start();
    }

    /// <summary>Changes by this process are ours. To be told before it can make any.</summary>
    public void Own(int processId)
    {
        lock (_lock)
        {
            _own.Add((uint)processId);
            _unseen.Add((uint)processId);
            _ownOrder.Enqueue((uint)processId);
            if (_ownOrder.Count > 256) _own.Remove(_ownOrder.Dequeue());
        }
    }

    /// <summary>It made none after all.</summary>
    public void Refused(int processId)
    {
        lock (_lock) _unseen.Remove((uint)processId);
    }

    /// <summary>After lost notices, with no transaction of ours under way: whether anybody else has changed anything since the last one heard.</summary>
    public bool SomebodyElseWasHere()
    {
        var now = ReadGeneration();
        lock (_lock)
        {
            var foreign = now - _lastSeen - (uint)_unseen.Count;
            _lastSeen = now;
            _unseen.Clear();
            return foreign != 0;
        }
    }

    public void Dispose()
    {
        _stop = true;
        _thread.Join();
        _socket.Dispose();
    }

    private static NetlinkSocket Open()
    {
        var socket = new NetlinkSocket();
        socket.Join(Group, BufferBytes);
        return socket;
    }

    private static uint ReadGeneration()
    {
        using var socket = new NetlinkSocket();
        Span<byte> buffer = stackalloc byte[512];
        var length = NetlinkMessages.WriteHeader(buffer, GetGeneration, 1, 0);
        socket.Send(buffer[..length]);
        var read = socket.Receive(buffer, 5000);
        var messages = new NetlinkMessages(buffer[..Math.Max(read, 0)]);
        return messages.Next() && messages.Type == NewGeneration
            ? NetlinkMessages.BigEndian(NetlinkMessages.Attribute(messages.Body[4..], 1))
            : 0;
    }

    private void Run()
    {
        var buffer = new byte[256 * 1024];
        var touched = false;
        while (!_stop)
        {
            try
            {
                var read = _socket.Receive(buffer, 200);
                if (read < 0) _lost();
                if (read <= 0) continue;
                Hear(buffer.AsSpan(0, read), ref touched);
            }
            catch (Win32Exception)
            {
                if (_stop) return;
                Thread.Sleep(1000);
                _socket.Dispose();
                try
                {
                    _socket = Open();
                }
                catch (Win32Exception)
                {
                    continue;
                }

                _lost();
            }
        }
    }

    private void Hear(ReadOnlySpan<byte> datagram, ref bool touched)
    {
        var messages = new NetlinkMessages(datagram);
        while (messages.Next())
        {
            if (messages.Type >> 8 != Subsystem || messages.Body.Length < 4) continue;
            var attributes = messages.Body[4..];
            if (messages.Type != NewGeneration)
            {
                // In every other message the first attribute is the table's name; the family is in the header.
                touched |= messages.Body[0] is 2 or 10 && NetlinkMessages.Attribute(attributes, 1).SequenceEqual(_table);
                continue;
            }

            // The port is the process id in that process's own namespace, the attribute the one in the initial namespace.
            var process = NetlinkMessages.BigEndian(NetlinkMessages.Attribute(attributes, 2));
            bool own;
            lock (_lock)
            {
                _lastSeen = NetlinkMessages.BigEndian(NetlinkMessages.Attribute(attributes, 1));
                own = _own.Contains(process) || _own.Contains(messages.Port);
                _unseen.Remove(process);
                _unseen.Remove(messages.Port);
            }

            if (touched && !own)
            {
                var name = Encoding.UTF8.GetString(NetlinkMessages.Attribute(attributes, 3)).TrimEnd('\0');
                _drift($"process {process} ({name}) changed the tables");
            }

            touched = false;
        }
    }
}
