using System.Runtime.InteropServices;
using System.Text;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Host;
using CN2.VRouter.Netlink;

namespace CN2.VRouter.Overlay.Plumbing;

/// <summary>
/// Requests to rtnetlink, in the network namespace of the thread that made it. Changes are queued and go to the kernel many at a time.
/// One thread at a time.
/// </summary>
internal sealed class RouteSocket : IDisposable
{
    private const int ExtendedAcknowledge = 11; // NETLINK_EXT_ACK: an error comes with a text
    private const int StrictCheck = 12; // NETLINK_GET_STRICT_CHK: a dump honours the filter in its request
    private const int CapFlag = 0x100; // NLM_F_CAPPED
    private const int TlvFlag = 0x200; // NLM_F_ACK_TLVS
    private const int ErrorText = 1; // NLMSGERR_ATTR_MSG
    private const int ErrorHeaderLength = sizeof(int) + NetlinkMessage.HeaderLength;
    private const int ReceiveBuffer = 4 * 1024 * 1024;
    private const int ReplyTimeout = 10_000;
    private const int LongestMessage = 256;

    private readonly NetlinkSocket _socket = new(NetlinkSocket.Route);
    private readonly byte[] _requests = new byte[32 * 1024];
    private readonly byte[] _answers = new byte[256 * 1024];
    private readonly List<(Func<string> What, int[] Tolerated, Action<string>? Refused)> _pending = [];
    private int _length;
    private int _lastStart;
    private uint _sequence;

    public RouteSocket()
    {
        try
        {
            _socket.SetReceiveBuffer(ReceiveBuffer);
            _socket.TurnOn(NetlinkSocket.CapAcknowledge);
            _socket.TurnOn(ExtendedAcknowledge);
            _socket.TurnOn(StrictCheck);
        }
        catch
        {
            _socket.Dispose();
            throw;
        }
    }

    public delegate void Reader(ReadOnlySpan<byte> body);

    /// <inheritdoc cref="NetlinkSocket.Port"/>
    public uint Port => _socket.Port;

    /// <summary>A message to fill in; <c>Queue</c> takes it.</summary>
    public NetlinkMessage Begin(ushort type, ushort flags, int typeHeader)
    {
        if (_length + LongestMessage > _requests.Length) Commit();
        return new NetlinkMessage(_requests.AsSpan(_length, LongestMessage), type, flags, typeHeader);
    }

    /// <param name="what">Names the request in the text of an error.</param>
    /// <param name="tolerated">Errors that mean success: the kernel is in the wanted state already.</param>
    public void Queue(in NetlinkMessage message, Func<string> what, params int[] tolerated) => Queue(message, what, null, tolerated);

    /// <param name="refused">Gets the reason if the kernel refuses this request; <see cref="Commit"/> does not fail then. Null: it fails.</param>
    public void Queue(in NetlinkMessage message, Func<string> what, Action<string>? refused, params int[] tolerated)
    {
        BitConverter.TryWriteBytes(_requests.AsSpan(_length + 8), ++_sequence);
        _pending.Add((what, tolerated, refused));
        _lastStart = _length;
        _length += message.Length;
    }

    /// <summary>Sends what is queued and waits until all of it is done.</summary>
    /// <exception cref="DataplaneException">The kernel refused a request that must not fail (the first is named); the others are done.</exception>
    public void Commit()
    {
        if (_length == 0) return;
        // The kernel takes requests in order and answers only errors and the last one: when that answer is here, all are done.
        var flags = BitConverter.ToUInt16(_requests, _lastStart + 6);
        BitConverter.TryWriteBytes(_requests.AsSpan(_lastStart + 6), (ushort)(flags | NetlinkFlags.Acknowledge));
        var first = _sequence - (uint)_pending.Count + 1;
        DataplaneException? refused = null;
        try
        {
            _socket.Send(_requests.AsSpan(0, _length));
            for (var done = false; !done;)
            {
                var messages = new NetlinkMessages(ReceiveAnswer());
                while (messages.Next())
                {
                    var index = unchecked((int)(messages.Sequence - first));
                    if (messages.Type != NetlinkMessages.Error || index < 0 || index >= _pending.Count) continue;
                    var error = -BitConverter.ToInt32(messages.Body);
                    var (what, tolerated, alone) = _pending[index];
                    if (error != 0 && !tolerated.Contains(error))
                    {
                        var refusal = Refused(what(), error, messages);
                        if (alone is not null) alone(refusal.Message);
                        else refused ??= refusal;
                    }

                    done |= messages.Sequence == _sequence;
                }
            }
        }
        finally
        {
            _length = 0;
            _pending.Clear();
        }

        if (refused is not null) throw refused;
    }

    /// <summary>Asks for one object; false: the kernel has no such object.</summary>
    public bool Ask(in NetlinkMessage message, string what, Reader reader) => Ask(message, dump: false, what, reader);

    /// <summary>Asks for a table of objects; <paramref name="reader"/> is called for each.</summary>
    public void AskAll(in NetlinkMessage message, string what, Reader reader) => Ask(message, dump: true, what, reader);

    public void Dispose() => _socket.Dispose();

    private bool Ask(in NetlinkMessage message, bool dump, string what, Reader reader)
    {
        if (_length != 0) throw new InvalidOperationException("requests are queued");
        BitConverter.TryWriteBytes(_requests.AsSpan(8), ++_sequence);
        _socket.Send(message.Bytes);
        while (true)
        {
            var messages = new NetlinkMessages(ReceiveAnswer());
            while (messages.Next())
            {
                if (messages.Sequence != _sequence) continue;
                if (messages.Type is NetlinkMessages.Done or NetlinkMessages.Error)
                {
                    var error = messages.Body.Length >= 4 ? -BitConverter.ToInt32(messages.Body) : 0;
                    return error switch
                    {
                        0 => true,
                        Posix.NoEntry or Posix.NoDevice or Posix.NoSuchProcess => false,
                        _ => throw Refused(what, error, messages),
                    };
                }

                reader(messages.Body);
                if (!dump) return true;
            }
        }
    }

    private static DataplaneException Refused(string what, int error, NetlinkMessages answer)
    {
        var text = "";
        if ((answer.Flags & TlvFlag) != 0 && (answer.Flags & CapFlag) != 0 && answer.Body.Length > ErrorHeaderLength)
            text = Encoding.UTF8.GetString(NetlinkMessages.Attribute(answer.Body[ErrorHeaderLength..], ErrorText)).TrimEnd('\0');
        return new DataplaneException($"{what}: {Marshal.GetPInvokeErrorMessage(error)}{(text.Length == 0 ? "" : $" ({text})")}");
    }

    private ReadOnlySpan<byte> ReceiveAnswer()
    {
        var answer = _socket.Receive(_answers, ReplyTimeout, out var lost);
        if (lost) throw new DataplaneException("rtnetlink: answers were lost");
        return answer.IsEmpty ? throw new DataplaneException("rtnetlink: the kernel did not answer") : answer;
    }
}
