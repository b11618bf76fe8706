using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace CN2.Model.Tests.Lab;

/// <summary>
/// A named network namespace with a thread that lives in it: a socket made on that thread belongs to the namespace, wherever it is
/// used afterwards.
/// </summary>
internal sealed partial class NetworkNamespace : IDisposable
{
    private const int CloneNewNet = 0x40000000;
    private readonly BlockingCollection<Action> _calls = [];
    private readonly Thread _thread;

    public NetworkNamespace(string name)
    {
        Name = name;
        Command.Run("ip", "netns", "add", name);
        Ip("link set lo up");
        var entered = new TaskCompletionSource();
        _thread = new Thread(() => Pump(entered)) { IsBackground = true, Name = name };
        _thread.Start();
        entered.Task.GetAwaiter().GetResult();
    }

    public string Name { get; }

    /// <summary>Runs ip commands in it, one a line.</summary>
    public void Ip(string lines)
    {
        foreach (var line in lines.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            Command.Run("ip", ["-n", Name, .. line.Split(' ')]);
    }

    public (int Code, string Output) Try(params string[] command) => Command.Try("ip", ["netns", "exec", Name, .. command]);

    public string Exec(params string[] command) => Command.Run("ip", ["netns", "exec", Name, .. command]);

    public Socket OpenSocket(AddressFamily family)
    {
        var made = new TaskCompletionSource<Socket>(TaskCreationOptions.RunContinuationsAsynchronously);
        _calls.Add(() =>
        {
            try
            {
                made.SetResult(new Socket(family, SocketType.Stream, ProtocolType.Tcp));
            }
            catch (SocketException e)
            {
                made.SetException(e);
            }
        });
        return made.Task.GetAwaiter().GetResult();
    }

    public void Dispose()
    {
        _calls.CompleteAdding();
        _thread.Join(TimeSpan.FromSeconds(5));
        foreach (var pid in Command.Try("ip", "netns", "pids", Name).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)) Command.Try("kill", "-9", pid);
        Command.Try("ip", "netns", "del", Name);
    }

    private void Pump(TaskCompletionSource entered)
    {
        using (var file = File.OpenHandle($"/run/netns/{Name}"))
        {
            if (SetNamespace((int)file.DangerousGetHandle(), CloneNewNet) != 0)
            {
                entered.SetException(new InvalidOperationException($"setns {Name}: {Marshal.GetLastPInvokeErrorMessage()}"));
                return;
            }
        }

        entered.SetResult();
        foreach (var call in _calls.GetConsumingEnumerable()) call();
    }

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNamespace(int descriptor, int type);
}
