using System.ComponentModel;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using CN2.Network.Collections;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Netlink;
using CN2.VRouter.Nft;

namespace CN2.VRouter.Relay;

/// <summary>
/// Brings ICMP errors about packets that were too big to the node of their flow (docs/contract.md §5). A router's ECMP may bring them to any node of
/// the FloatingIP. One that finds no flow on its node is sent as it is to the agents of all other nodes of the FloatingIP, and each of them puts it into
/// its own kernel, which translates it where the flow is, and drops it elsewhere (<see cref="NftRelay"/>).
/// <para>
/// It has a thread of its own, so that a flood of errors delays nothing else in the agent. What it takes is limited three times: by nftables before a
/// copy is made, by the number of datagrams that it sends, and by the errors that it takes from other nodes.
/// </para>
/// </summary>
public sealed partial class IcmpRelay : IIcmpRelay, IDisposable
{
    /// <summary>Datagrams a second for all FloatingIPs: each error of one with 64 nodes takes 63.</summary>
    private const int MostSentPerSecond = 2_000;

    /// <summary>Datagrams a second from other nodes, for all FloatingIPs.</summary>
    private const int MostTakenPerSecond = 2_000;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    private readonly IPAddress _address;
    private readonly int _port;
    private readonly ILogger<IcmpRelay> _logger;
    private readonly CarrierTable _carriers;
    private readonly NftTotals _totals;
    private readonly RateLimit _sending = new(MostSentPerSecond);
    private readonly RateLimit _taking = new(MostTakenPerSecond);
    private readonly byte[] _datagram = new byte[RelayDatagram.Longest];
    private readonly ManualResetEventSlim _stop = new();
    private readonly Lock _lock = new();
    private readonly Thread _thread;
    private RelaySockets? _sockets;
    private volatile string? _notice;
    private long _overLimit;
    private long _sent;
    private long _received;
    private long _delivered;
    private long _refused;

    /// <summary>Starts in the network namespace of the calling thread.</summary>
    /// <param name="table">Of nftables; its counters are part of <see cref="Counters"/>.</param>
    /// <param name="address">The node's IPv4 address: relayed errors of both families go from node address to node address.</param>
    /// <param name="port">UDP port of the agents on all nodes; nftables logs to the group of the same number.</param>
    public IcmpRelay(string table, IPAddress address, int port, ILogger<IcmpRelay> logger)
    {
        _address = address;
        _port = port;
        _logger = logger;
        _carriers = new CarrierTable(address, port);
        _totals = new NftTotals(table);
        _thread = new Thread(Run) { IsBackground = true, Name = "icmp relay" };
        _thread.Start();
    }

    public string? Notice => _notice;

    public RelayCounters Counters
    {
        get
        {
            var kernel = _totals.Read();
            return new RelayCounters(
                kernel.GetValueOrDefault(NftRelay.NoFlow),
                kernel.GetValueOrDefault(NftRelay.OverLimit) + Interlocked.Read(ref _overLimit),
                Interlocked.Read(ref _sent),
                Interlocked.Read(ref _received),
                Interlocked.Read(ref _delivered),
                Interlocked.Read(ref _refused),
                kernel.GetValueOrDefault(NftRelay.Unmatched));
        }
    }

    public void SetCarriers(IReadOnlyDictionary<FloatingIPPlace, EquatableList<IPAddress>> carriers, IReadOnlyCollection<FloatingIPPlace>? changed) => _carriers.Set(carriers, changed);

    public void Dispose()
    {
        _stop.Set();
        lock (_lock) _sockets?.Events.WakeUp();
        _thread.Join();
        _stop.Dispose();
        _totals.Dispose();
    }

    private void Run()
    {
        do
        {
            try
            {
                using var sockets = new RelaySockets(_address, _port);
                lock (_lock) _sockets = sockets;
                try
                {
                    if (_notice is not null) LogWorks();
                    _notice = null;
                    Serve(sockets);
                }
                finally
                {
                    lock (_lock) _sockets = null;
                }
            }
            catch (Win32Exception e)
            {
                var notice = $"ICMP errors are not relayed to other nodes (--relay-port {_port}): {e.Message}";
                if (notice != _notice) LogWorksNot(notice);
                _notice = notice;
            }
        }
        while (!_stop.Wait(Pause));
    }

    private void Serve(RelaySockets sockets)
    {
        var buffer = new byte[64 * 1024];
        while (!_stop.IsSet)
        {
            var ready = sockets.Events.Wait();
            for (var i = 0; i < ready; i++)
            {
                switch (sockets.Events.Key(i))
                {
                    case RelaySockets.LogKey:
                        ReadLog(sockets, buffer);
                        break;
                    case RelaySockets.DatagramsKey:
                        ReadDatagrams(sockets);
                        break;
                }
            }
        }
    }

    private void ReadLog(RelaySockets sockets, byte[] buffer)
    {
        var messages = sockets.Log.Receive(buffer);
        while (messages.Next())
        {
            if (PacketLog.Read(messages, out var mark) is { IsEmpty: false } packet) Pass(sockets.Datagrams, NftOverlay.FromVpnBy(mark), packet);
        }
    }

    /// <summary>Sends an error that has no flow here to the other nodes of its FloatingIP.</summary>
    private void Pass(Socket socket, int routingInstance, ReadOnlySpan<byte> packet)
    {
        if (TooBigError.FloatingIPOf(packet) is not { } floatingIP)
        {
            Interlocked.Increment(ref _refused);
            return;
        }

        if (_carriers.Find(new FloatingIPPlace(routingInstance, floatingIP)) is not { } others) return;
        // First the limit of the FloatingIP: what is beyond it takes nothing from the others.
        var now = Stopwatch.GetTimestamp();
        if (!others.Sending.Take(now, others.EndPoints.Count) || !_sending.Take(now, others.EndPoints.Count))
        {
            Interlocked.Increment(ref _overLimit);
            return;
        }

        var datagram = RelayDatagram.Write(_datagram, routingInstance, packet);
        foreach (var node in others.EndPoints)
        {
            try
            {
                socket.SendTo(datagram, SocketFlags.None, node);
                Interlocked.Increment(ref _sent);
            }
            catch (SocketException)
            {
                // No route to the node, no room, or what an earlier datagram met: errors come again, with the next packet that is too big.
            }
        }
    }

    private void ReadDatagrams(RelaySockets sockets)
    {
        var count = sockets.Received.Receive((int)sockets.Datagrams.Handle);
        for (var i = 0; i < count; i++)
        {
            Interlocked.Increment(ref _received);
            if (sockets.Received.IsTruncated(i) || sockets.Received.SourcePort(i) != _port) Interlocked.Increment(ref _refused);
            else Take(sockets.Injector, sockets.Received.Source(i), sockets.Received.Datagram(i));
        }
    }

    /// <summary>Puts an error of another node into the kernel.</summary>
    private void Take(PacketInjector injector, uint source, ReadOnlySpan<byte> datagram)
    {
        var packet = RelayDatagram.Read(datagram, out var routingInstance);
        if (packet.IsEmpty || TooBigError.FloatingIPOf(packet) is not { } floatingIP || _carriers.Find(new FloatingIPPlace(routingInstance, floatingIP)) is not { } others || !others.Have(source))
        {
            Interlocked.Increment(ref _refused);
            return;
        }

        var now = Stopwatch.GetTimestamp();
        if (!others.Taking.Take(now) || !_taking.Take(now)) Interlocked.Increment(ref _overLimit);
        // What belongs to no flow is dropped in the kernel, which counts it.
        else if (injector.Put(routingInstance, packet)) Interlocked.Increment(ref _delivered);
    }

    /// <summary>The kernel does not take the rules of the relay, so there is none.</summary>
    [LoggerMessage(20, LogLevel.Warning, "ICMP errors are not relayed to other nodes, because the kernel cannot log packets: {Reason}.")]
    public static partial void LogIsOff(ILogger logger, string reason);

    [LoggerMessage(18, LogLevel.Warning, "{Notice}. Trying again.")]
    private partial void LogWorksNot(string notice);

    [LoggerMessage(19, LogLevel.Information, "ICMP errors are relayed to other nodes again.")]
    private partial void LogWorks();
}
