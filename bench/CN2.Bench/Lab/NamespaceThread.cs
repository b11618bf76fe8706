using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace CN2.Bench.Lab;

/// <summary>Runs code on a thread inside a network namespace: sockets opened there belong to it, whoever uses them.</summary>
internal sealed class NamespaceThread(string name)
{
    private const int CloneNewNet = 0x40000000;

    public Socket Open(AddressFamily family, SocketType type) => Run(() => new Socket(family, type, ProtocolType.Unspecified));

    public T Run<T>(Func<T> work)
    {
        var (result, error) = (default(T)!, default(Exception));
        var thread = new Thread(() =>
        {
            try
            {
                using var file = File.OpenHandle($"/run/netns/{name}");
                if (SetNamespace((int)file.DangerousGetHandle(), CloneNewNet) != 0) throw new InvalidOperationException($"setns {name}: {Marshal.GetLastPInvokeErrorMessage()}");
                result = work();
            }
            catch (Exception e)
            {
                error = e;
            }
        });
        thread.Start();
        thread.Join();
        return error is null ? result : throw new InvalidOperationException($"in {name}: {error.Message}", error);
    }


    [DllImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static extern int SetNamespace(int descriptor, int type);
}
