using System.Runtime.InteropServices;
using System.Text;
using CN2.VRouter.Host;
using CN2.VRouter.Overlay.Model;

namespace CN2.VRouter.Overlay.Native;

/// <summary>
/// A layer 3 TUN device (linux/if_tun.h) in the network namespace of the thread that made it. Not persistent: it disappears with its
/// descriptor, so a node whose agent has died has no device that swallows packets.
/// </summary>
internal sealed unsafe class TunDevice : IInstanceDevice
{
    private const nuint SetInterface = 0x400454ca; // TUNSETIFF
    private const nuint SetPersistent = 0x400454cb; // TUNSETPERSIST
    private const ushort Tun = 1;
    private const ushort NoPacketInformation = 0x1000;

    private int _descriptor;

    /// <exception cref="PosixException">/dev/net/tun is missing, or another device has the name.</exception>
    public TunDevice(string name)
    {
        Name = name;
        _descriptor = Posix.Open("/dev/net/tun", Posix.ReadWrite | Posix.NonBlocking | Posix.CloseOnExec);
        if (_descriptor < 0) throw PosixException.Last("/dev/net/tun");
        try
        {
            var request = stackalloc byte[40]; // struct ifreq
            new Span<byte>(request, 40).Clear();
            Encoding.ASCII.GetBytes(name, new Span<byte>(request, 15));
            *(ushort*)(request + 16) = Tun | NoPacketInformation;
            if (Posix.Control(_descriptor, SetInterface, request) < 0) throw PosixException.Last($"device {name}");
            // A persistent device of this name, made by another process, becomes a normal one.
            if (Posix.Control(_descriptor, SetPersistent, null) < 0) throw PosixException.Last($"device {name}");
            Index = (int)Posix.InterfaceIndex(name);
            if (Index == 0) throw PosixException.Last($"device {name}");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Name { get; }

    public int Index { get; }

    public int Descriptor => _descriptor;

    /// <summary>Reads one packet and returns its length; 0: no packet, negative: the number of the error.</summary>
    public int Read(Span<byte> buffer)
    {
        fixed (byte* at = buffer)
        {
            while (true)
            {
                var length = Posix.Read(_descriptor, at, buffer.Length);
                if (length >= 0) return (int)length;
                var error = Marshal.GetLastPInvokeError();
                if (error == Posix.TryAgain) return 0;
                if (error != Posix.Interrupted) return -error;
            }
        }
    }

    /// <summary>Hands one packet to the kernel as received by the device.</summary>
    public bool Write(ReadOnlySpan<byte> packet)
    {
        fixed (byte* at = packet)
        {
            while (true)
            {
                if (Posix.Write(_descriptor, at, packet.Length) >= 0) return true;
                if (Marshal.GetLastPInvokeError() != Posix.Interrupted) return false;
            }
        }
    }

    public void Dispose()
    {
        var descriptor = Interlocked.Exchange(ref _descriptor, -1);
        if (descriptor >= 0) _ = Posix.Close(descriptor);
    }
}
