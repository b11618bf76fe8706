using System.Runtime.InteropServices;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Netlink;
using CN2.VRouter.Overlay.Native;

namespace CN2.VRouter.Overlay.Plumbing;

/// <summary>
/// A NETLINK_ROUTE socket in the network namespace of the thread that made it. Requests are gathered and go to the kernel many at a
/// time. One thread at a time.
/// </summary>
internal sealed unsafe class RouteSocket : IDisposable
{
    private const int ProtocolRoute = 0;
    private const int ReceiveBufferForce = 33;
    private const int AddMembership = 1;
    private const int CapAcknowledge = 10;
    private const int ExtendedAcknowledge = 11;
    private const int StrictCheck = 12;
    private const int ReplyTimeout = 10_000;
    private const int LongestMessage = 256;
    private const int CapFlag = 0x100; // NLM_F_CAPPED
    private const int TlvFlag = 0x200; // NLM_F_ACK_TLVS

    private readonly byte[] _requests = new byte[32 * 1024];
    private readonly byte[] _answers = new byte[256 * 1024];
    private readonly List<Func<string>> _pending = [];
    private readonly List<int[]> _tolerated = [];
    private int _descriptor;
    private int _length;
    private int _lastStart;
    private uint _sequence;

    public RouteSocket(int receiveBuffer = 4 * 1024 * 1024)
    {
        _descriptor = Posix.Socket(Posix.FamilyNetlink, Posix.Raw | Posix.CloseOnExec, ProtocolRoute);
        if (_descriptor < 0) throw PosixException.Last("rtnetlink");
        try
        {
            Span<uint> address = stackalloc uint[3];
            address[0] = Posix.FamilyNetlink;
            address[1] = address[2] = 0;
            fixed (uint* at = address)
            {
                if (Posix.Bind(_descriptor, at, 12) < 0) throw PosixException.Last("rtnetlink");
                var length = 12;
                if (Posix.SocketName(_descriptor, at, &length) < 0) throw PosixException.Last("rtnetlink");
                Port = at[1];
            }

            Set(Posix.LevelSocket, ReceiveBufferForce, receiveBuffer);
            Set(Posix.LevelNetlink, CapAcknowledge, 1);
            Set(Posix.LevelNetlink, ExtendedAcknowledge, 1);
            Set(Posix.LevelNetlink, StrictCheck, 1);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>How the kernel calls this socket: what it changes is announced to others under this number.</summary>
    public uint Port { get; }

    public void Join(int group) => Set(Posix.LevelNetlink, AddMembership, group);

    /// <summary>A message to fill in; <see cref="Queue"/> takes it.</summary>
    public RouteMessage Begin(ushort type, ushort flags, int ownHeader)
    {
        if (_length + LongestMessage > _requests.Length) Commit();
        return new RouteMessage(_requests.AsSpan(_length, LongestMessage), type, flags, ownHeader);
    }

    /// <param name="what">Names it in an error's text.</param>
    /// <param name="tolerated">Errors that are no errors: what was to be is so already.</param>
    public void Queue(in RouteMessage message, Func<string> what, params int[] tolerated)
    {
        BitConverter.TryWriteBytes(_requests.AsSpan(_length + 8), ++_sequence);
        _pending.Add(what);
        _tolerated.Add(tolerated);
        _lastStart = _length;
        _length += message.Length;
    }

    /// <summary>Sends what is queued and waits until all of it is done.</summary>
    /// <exception cref="DataplaneException">The kernel refused one (the first is named); the others are done.</exception>
    public void Commit()
    {
        if (_length == 0) return;
        // Only errors come back, and the answer to the last: then all are done, for the kernel takes them in order.
        var flags = BitConverter.ToUInt16(_requests, _lastStart + 6);
        BitConverter.TryWriteBytes(_requests.AsSpan(_lastStart + 6), (ushort)(flags | RouteMessage.Acknowledge));
        var first = _sequence - (uint)_pending.Count + 1;
        DataplaneException? refused = null;
        try
        {
            Send(_length);
            for (var done = false; !done;)
            {
                var messages = new NetlinkMessages(ReceiveAnswer());
                while (Next(ref messages, out var sequence, out var flagsOfAnswer))
                {
                    var index = unchecked((int)(sequence - first));
                    if (messages.Type != NetlinkMessages.Error || index < 0 || index >= _pending.Count) continue;
                    var error = -BitConverter.ToInt32(messages.Body);
                    if (error != 0 && !_tolerated[index].Contains(error)) refused ??= Refused(_pending[index](), error, messages.Body, flagsOfAnswer);
                    done |= sequence == _sequence;
                }
            }
        }
        finally
        {
            _length = 0;
            _pending.Clear();
            _tolerated.Clear();
        }

        if (refused is not null) throw refused;
    }

    public delegate void Reader(ushort type, ReadOnlySpan<byte> body);

    /// <summary>Asks for one thing or a table of them; each answer goes to <paramref name="reader"/>. False: the kernel has no such thing.</summary>
    public bool Ask(in RouteMessage message, bool dump, string what, Reader reader)
    {
        if (_length != 0) throw new InvalidOperationException("requests are queued");
        BitConverter.TryWriteBytes(_requests.AsSpan(8), ++_sequence);
        Send(message.Length);
        while (true)
        {
            var messages = new NetlinkMessages(ReceiveAnswer());
            while (Next(ref messages, out var sequence, out var flags))
            {
                if (sequence != _sequence) continue;
                if (messages.Type is NetlinkMessages.Done or NetlinkMessages.Error)
                {
                    var error = messages.Body.Length >= 4 ? -BitConverter.ToInt32(messages.Body) : 0;
                    return error switch
                    {
                        0 => true,
                        Posix.NoEntry or Posix.NoDevice or Posix.NoSuchProcess => false,
                        _ => throw Refused(what, error, messages.Body, flags),
                    };
                }

                reader(messages.Type, messages.Body);
                if (!dump) return true;
            }
        }
    }

    /// <summary>Waits for a datagram; empty: none came in time; <paramref name="lost"/>: some were lost because the buffer was full.</summary>
    public ReadOnlySpan<byte> Receive(int timeoutMilliseconds, out bool lost)
    {
        lost = false;
        var poll = new PollDescriptor { Descriptor = _descriptor, Events = 1 };
        var ready = Posix.Poll(&poll, 1, timeoutMilliseconds);
        if (ready == 0 || (ready < 0 && Marshal.GetLastPInvokeError() == Posix.Interrupted)) return default;
        if (ready < 0) throw PosixException.Last("rtnetlink");
        fixed (byte* at = _answers)
        {
            var length = Posix.Receive(_descriptor, at, _answers.Length, 0);
            if (length >= 0) return _answers.AsSpan(0, (int)length);
            var error = Marshal.GetLastPInvokeError();
            if (error is not (Posix.NoBufferSpace or Posix.Interrupted)) throw PosixException.Last("rtnetlink");
            lost = error == Posix.NoBufferSpace;
            return default;
        }
    }

    public void Dispose()
    {
        var descriptor = Interlocked.Exchange(ref _descriptor, -1);
        if (descriptor >= 0) _ = Posix.Close(descriptor);
    }

    // The reader of messages does not show sequence and flags; both are in the header before the body.
    private static bool Next(ref NetlinkMessages messages, out uint sequence, out ushort flags)
    {
        sequence = 0;
        flags = 0;
        if (!messages.Next()) return false;
        fixed (byte* body = messages.Body)
        {
            if (body == null) return true;
            sequence = *(uint*)(body - 8);
            flags = *(ushort*)(body - 10);
        }

        return true;
    }

    private static DataplaneException Refused(string what, int error, ReadOnlySpan<byte> body, ushort flags)
    {
        // After the error and the request's header come attributes; 1 is a text.
        var text = "";
        if ((flags & TlvFlag) != 0 && (flags & CapFlag) != 0 && body.Length > 20)
            text = System.Text.Encoding.UTF8.GetString(NetlinkMessages.Attribute(body[20..], 1)).TrimEnd('\0');
        return new DataplaneException($"{what}: {Marshal.GetPInvokeErrorMessage(error)}{(text.Length == 0 ? "" : $" ({text})")}");
    }

    private ReadOnlySpan<byte> ReceiveAnswer()
    {
        var answer = Receive(ReplyTimeout, out var lost);
        if (lost) throw new DataplaneException("rtnetlink: answers were lost");
        return answer.IsEmpty ? throw new DataplaneException("rtnetlink: the kernel did not answer") : answer;
    }

    private void Send(int length)
    {
        fixed (byte* at = _requests)
        {
            if (Posix.Send(_descriptor, at, length, 0) != length) throw PosixException.Last("rtnetlink");
        }
    }

    private void Set(int level, int option, int value)
    {
        if (Posix.SetOption(_descriptor, level, option, &value, sizeof(int)) < 0) throw PosixException.Last("rtnetlink");
    }
}
