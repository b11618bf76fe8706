using System.ComponentModel;
using System.Runtime.InteropServices;

namespace CN2.VRouter.Overlay.Native;

/// <summary>A system call failed; the message says which, and why.</summary>
internal sealed class PosixException(string call, int error) : Win32Exception(error, $"{call}: {Marshal.GetPInvokeErrorMessage(error)}")
{
    /// <summary>With the error of the call just made.</summary>
    public static PosixException Last(string call) => new(call, Marshal.GetLastPInvokeError());
}
