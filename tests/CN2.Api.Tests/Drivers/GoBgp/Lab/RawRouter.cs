using System.Buffers.Binary;

namespace CN2.Api.Tests.Drivers.GoBgp.Lab;

/// <summary>
/// A router made of bytes, for what no implementation at hand sends: it opens an iBGP session with inet-vpn and route-target and sends the
/// memberships it is given, each as the bytes of its NLRI, in UPDATEs of their own. A shell in its namespace is the socket.
/// </summary>
internal sealed class RawRouter(BgpLab lab, string name, int host) : IDisposable
{
    private readonly string _namespace = lab.AddHost(name, host);
    private RunningProcess? _process;

    public string Output => _process?.Output ?? "";

    public void Connect(string[] memberships)
    {
        byte[] address = [172, 27, 115, (byte)host];
        byte[] capabilities = [2, 6, 1, 4, 0, 1, 0, 128, 2, 6, 1, 4, 0, 1, 0, 132];
        byte[] open = [4, .. Short(Spec.Asn), .. Short(90), .. address, (byte)capabilities.Length, .. capabilities];
        var updates = memberships.Select(m =>
        {
            byte[] reach = [0, 1, 132, 4, .. address, 0, .. Convert.FromHexString(m)];
            byte[] attributes = [0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 5, 4, 0, 0, 0, 100, 0x80, 14, (byte)reach.Length, .. reach];
            return Send(Message(2, [0, 0, .. Short((uint)attributes.Length), .. attributes]));
        });
        // The engine's OPEN and KEEPALIVE come first; what it says afterwards is only read away.
        _process = new("ip", "netns", "exec", _namespace, "bash", "-c",
            $"exec 3<>/dev/tcp/172.27.115.241/179 || exit 1; {Send(Message(1, open))} {Send(Message(4, []))} head -c 60 <&3 >/dev/null; {string.Concat(updates)} cat <&3 >/dev/null");
    }

    public void Dispose() => _process?.Dispose();

    private static byte[] Message(byte type, byte[] body) =>
        [.. Enumerable.Repeat((byte)0xFF, 16), .. Short((uint)body.Length + 19), type, .. body];

    private static string Send(byte[] bytes) => $"printf '{string.Concat(bytes.Select(b => $"\\x{b:x2}"))}' >&3;";

    private static byte[] Short(uint value)
    {
        var bytes = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)value);
        return bytes;
    }
}
