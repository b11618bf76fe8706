using System.ComponentModel;
using System.Text;
using CN2.VRouter.Netlink;

namespace CN2.VRouter.Nft;

/// <summary>
/// Receives a notice of every change of nftables in this network namespace (NFNLGRP_NFTABLES, as `nft monitor` does) and reports when
/// another process has changed the agent's tables. It never reads the tables, so it costs nothing while nothing changes.
/// </summary>
internal sealed class NftMonitor : IDisposable
{
    private const int Group = 7; // NFNLGRP_NFTABLES
    private const int Subsystem = 10; // NFNL_SUBSYS_NFTABLES
    private const ushort NewGeneration = (Subsystem << 8) | 15;
    private const ushort GetGeneration = (Subsystem << 8) | 16;

    // A transaction of 50,000 services makes about 30 MB of notices; the kernel uses memory only for those that wait.
    private const int BufferBytes = 128 * 1024 * 1024;

    private readonly byte[] _table;
    private readonly Action<string> _drift;
    private readonly Action _lost;
    private readonly Thread _thread;
    private readonly Lock _lock = new();
    private readonly HashSet<uint> _own = [];
    private readonly Queue<uint> _ownOrder = [];

    /// <summary>Transactions of the agent by process or port, whose notices have not come yet.</summary>
    private readonly Dictionary<uint, uint> _unseen = [];

    private volatile bool _stop;
    private volatile int _othersChanges;
    private uint _lastSeen;
    private NetlinkSocket _socket;

    /// <param name="drift">Another process has changed a table. Called on the monitor's thread, must only signal.</param>
    /// <param name="lost">Notices were lost. Called on the monitor's thread, must only signal.</param>
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

    /// <summary>How often others have changed nftables, their own tables too. It also grows when notices were lost. Any thread may read it.</summary>
    public int OthersChanges => _othersChanges;

    /// <summary>The next transaction of this process, or of the netlink socket with this port, is the agent's own. Must be called before there can be one.</summary>
    public void Own(uint processOrPort)
    {
        lock (_lock)
        {
            if (_own.Add(processOrPort)) _ownOrder.Enqueue(processOrPort);
            if (_ownOrder.Count > 256) _own.Remove(_ownOrder.Dequeue());
            _unseen[processOrPort] = _unseen.GetValueOrDefault(processOrPort) + 1;
        }
    }

    /// <summary>That transaction changed nothing: it was refused.</summary>
    public void Refused(uint processOrPort)
    {
        lock (_lock) Seen(processOrPort);
    }

    /// <summary>
    /// After lost notices: whether other processes have changed anything since the last notice that arrived. No transaction of the agent may
    /// run during the call.
    /// </summary>
    public bool OthersMadeChanges()
    {
        var now = ReadGeneration();
        lock (_lock)
        {
            var foreign = now - _lastSeen;
            foreach (var transactions in _unseen.Values) foreign -= transactions;
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
        var socket = new NetlinkSocket(NetlinkSocket.Netfilter);
        try
        {
            socket.SetReceiveBuffer(BufferBytes);
            socket.Join(Group);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static uint ReadGeneration()
    {
        using var socket = new NetlinkSocket(NetlinkSocket.Netfilter);
        Span<byte> buffer = stackalloc byte[512];
        socket.Send(NetlinkMessage.Netfilter(buffer, GetGeneration, 0, 0).Bytes);
        var messages = new NetlinkMessages(socket.Receive(buffer, 5000, out _));
        return messages.Next() && messages.Type == NewGeneration
            ? NetlinkMessages.BigEndian(NetlinkMessages.Attribute(messages.Body[NetlinkMessages.NetfilterHeaderLength..], 1))
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
                var datagram = _socket.Receive(buffer, 200, out var lost);
                if (lost)
                {
                    _othersChanges++;
                    _lost();
                }

                if (!datagram.IsEmpty) Handle(datagram, ref touched);
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

    private void Handle(ReadOnlySpan<byte> datagram, ref bool touched)
    {
        var messages = new NetlinkMessages(datagram);
        while (messages.Next())
        {
            if (messages.Type >> 8 != Subsystem || messages.Body.Length < NetlinkMessages.NetfilterHeaderLength) continue;
            var attributes = messages.Body[NetlinkMessages.NetfilterHeaderLength..];
            if (messages.Type != NewGeneration)
            {
                // In every other message the first attribute is the name of the table; the family is in the header.
                touched |= messages.Body[0] is 2 or 10 && NetlinkMessages.Attribute(attributes, 1).SequenceEqual(_table);
                continue;
            }

            // The port is the process id in that process's own pid namespace, the attribute the id in the initial pid namespace.
            var process = NetlinkMessages.BigEndian(NetlinkMessages.Attribute(attributes, 2));
            bool own;
            lock (_lock)
            {
                _lastSeen = NetlinkMessages.BigEndian(NetlinkMessages.Attribute(attributes, 1));
                own = _own.Contains(process) || _own.Contains(messages.Port);
                if (!Seen(process)) Seen(messages.Port);
            }

            if (!own) _othersChanges++;
            if (touched && !own)
            {
                var name = Encoding.UTF8.GetString(NetlinkMessages.Attribute(attributes, 3)).TrimEnd('\0');
                _drift($"process {process} ({name}) changed the tables");
            }

            touched = false;
        }
    }

    private bool Seen(uint processOrPort)
    {
        if (!_unseen.TryGetValue(processOrPort, out var transactions)) return false;
        if (transactions == 1) _unseen.Remove(processOrPort);
        else _unseen[processOrPort] = transactions - 1;
        return true;
    }
}
