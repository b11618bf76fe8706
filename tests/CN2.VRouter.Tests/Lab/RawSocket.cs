using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace CN2.VRouter.Tests.Lab;

/// <summary>Raw sockets of any protocol; .NET opens only those it knows.</summary>
internal static partial class RawSocket
{
    /// <summary>In the namespace of the calling thread.</summary>
    public static Socket Open(int protocol, AddressFamily family = AddressFamily.InterNetwork)
    {
        var descriptor = OpenSocket(family == AddressFamily.InterNetwork ? 2 /* AF_INET */ : 10 /* AF_INET6 */, 3 /* SOCK_RAW */, protocol);
        return descriptor >= 0
            ? new Socket(new SafeSocketHandle(descriptor, ownsHandle: true))
            : throw new InvalidOperationException($"raw socket: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial int OpenSocket(int domain, int type, int protocol);
}
