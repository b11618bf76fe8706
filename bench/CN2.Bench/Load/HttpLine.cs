using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace CN2.Bench.Load;

/// <summary>
/// One keep-alive HTTP/1.1 connection on a plain blocking socket: the client shares the machine with the server, so it must cost next to
/// nothing. Understands what CN2.Api answers: a Content-Length, or chunks.
/// </summary>
internal sealed class HttpLine : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _buffer = new byte[64 * 1024];

    private readonly string _caller;

    /// <param name="server">To which it connects.</param>
    /// <param name="bearer">What each request shows; null: nothing.</param>
    public HttpLine(IPEndPoint server, string? bearer = null)
    {
        _caller = bearer is null ? "" : $"Authorization: Bearer {bearer}\r\n";
        _socket.Connect(server);
    }

    /// <summary>The body of the last answer.</summary>
    public ReadOnlySpan<byte> Body => _buffer.AsSpan(_start, _length);

    private int _start;
    private int _length;

    /// <summary>Sends a POST and reads the answer; returns its status code.</summary>
    public int Post(string path, string body) => Exchange(string.Create(CultureInfo.InvariantCulture,
        $"POST {path} HTTP/1.1\r\nHost: localhost\r\n{_caller}Content-Type: application/json\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}"));

    /// <summary>Sends a GET and reads the answer, of at most 64 KiB; returns its status code.</summary>
    public int Get(string path) => Exchange($"GET {path} HTTP/1.1\r\nHost: localhost\r\n{_caller}Accept: application/json\r\n\r\n");

    private int Exchange(string request)
    {
        _socket.Send(Encoding.UTF8.GetBytes(request));
        var filled = 0;
        int end;
        while ((end = _buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8)) < 0) filled += Receive(filled);
        _start = end + 4;
        var head = Encoding.ASCII.GetString(_buffer, 0, end);
        var status = int.Parse(head.AsSpan(9, 3), CultureInfo.InvariantCulture);
        var at = head.IndexOf("Content-Length:", StringComparison.OrdinalIgnoreCase);
        if (at >= 0)
        {
            var line = head.AsSpan(at + 15);
            var stop = line.IndexOf('\r');
            _length = int.Parse(stop < 0 ? line : line[..stop], NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture);
            while (filled < _start + _length) filled += Receive(filled);
        }
        else
        {
            while (!_buffer.AsSpan(0, filled).EndsWith("0\r\n\r\n"u8)) filled += Receive(filled);
            _length = filled - _start;
        }

        return status;
    }

    public void Dispose() => _socket.Dispose();

    private int Receive(int filled)
    {
        var read = _socket.Receive(_buffer, filled, _buffer.Length - filled, SocketFlags.None);
        return read > 0 ? read : throw new IOException("The server closed the connection.");
    }
}
