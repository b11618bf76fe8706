using System.ComponentModel;
using System.Runtime.InteropServices;

namespace CN2.VRouter.Host;

/// <summary>A system call failed; the message names the call and the error.</summary>
internal sealed class PosixException(string call, int error) : Win32Exception(error, $"{call}: {Marshal.GetPInvokeErrorMessage(error)}")
{
    /// <summary>With the error of the last call.</summary>
    public static PosixException Last(string call) => new(call, Marshal.GetLastPInvokeError());
}
