using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace CN2.VRouter.Tests.Lab;

/// <summary>
/// A named network namespace with a thread that lives in it: sockets opened and processes started by code that runs there belong to
/// it. Asynchronous code comes back to the thread after each await.
/// </summary>
public sealed partial class NetworkNamespace : IDisposable
{
    private const int CloneNewNet = 0x40000000;
    private static int _last;

    private readonly BlockingCollection<(SendOrPostCallback Call, object? State)> _calls = [];
    private readonly Thread _thread;

    public NetworkNamespace(string role)
    {
        Name = $"cn2t-{Environment.ProcessId}-{Interlocked.Increment(ref _last)}-{role}";
        Command("ip", "netns", "add", Name);
        Ip("link set lo up");
        var entered = new TaskCompletionSource();
        _thread = new Thread(() => Pump(entered)) { IsBackground = true, Name = Name };
        _thread.Start();
        entered.Task.GetAwaiter().GetResult();
    }

    public string Name { get; }

    /// <summary>Runs ip commands in it, one a line.</summary>
    public void Ip(string lines) => CommandWith(lines, "ip", "-n", Name, "-batch", "-");

    /// <summary>Runs a command in it and gives its output; a failure throws.</summary>
    public string Exec(params string[] command) => Command("ip", ["netns", "exec", Name, .. command]);

    public string ExecWith(string input, params string[] command) => CommandWith(input, "ip", ["netns", "exec", Name, .. command]);

    public void Sysctl(string path, string value) => Exec("sh", "-c", $"echo {value} > /proc/sys/{path}");

    public Task<T> RunAsync<T>(Func<Task<T>> work)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _calls.Add((async _ =>
        {
            try
            {
                done.SetResult(await work());
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        }, null));
        return done.Task;
    }

    public Task RunAsync(Func<Task> work) => RunAsync(async () =>
    {
        await work();
        return true;
    });

    public T Run<T>(Func<T> work) => RunAsync(() => Task.FromResult(work())).GetAwaiter().GetResult();

    public void Dispose()
    {
        _calls.CompleteAdding();
        _thread.Join(TimeSpan.FromSeconds(5));
        Command("ip", "netns", "del", Name);
    }

    /// <summary>A raw IPv4 socket of any protocol (.NET opens only those it knows), in the namespace of the calling thread.</summary>
    internal static Socket OpenRaw(int protocol)
    {
        var descriptor = OpenSocket(2, 3, protocol);
        return descriptor >= 0
            ? new Socket(new SafeSocketHandle(descriptor, ownsHandle: true))
            : throw new InvalidOperationException($"raw socket: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    internal static string Command(string file, params string[] arguments) => CommandWith("", file, arguments);

    private static string CommandWith(string input, string file, params string[] arguments)
    {
        var start = new ProcessStartInfo(file, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        process.WaitForExit();
        return process.ExitCode == 0
            ? output.GetAwaiter().GetResult()
            : throw new InvalidOperationException($"{file} {string.Join(' ', arguments)}: {error.GetAwaiter().GetResult()}\n{input}");
    }

    private void Pump(TaskCompletionSource entered)
    {
        try
        {
            using var file = File.OpenHandle($"/run/netns/{Name}");
            if (SetNamespace((int)file.DangerousGetHandle(), CloneNewNet) != 0)
                throw new InvalidOperationException($"setns {Name}: {Marshal.GetLastPInvokeErrorMessage()}");
            SynchronizationContext.SetSynchronizationContext(new Context(_calls));
            entered.SetResult();
        }
        catch (Exception e)
        {
            entered.SetException(e);
            return;
        }

        foreach (var (call, state) in _calls.GetConsumingEnumerable()) call(state);
    }

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNamespace(int descriptor, int type);

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial int OpenSocket(int domain, int type, int protocol);

    private sealed class Context(BlockingCollection<(SendOrPostCallback Call, object? State)> calls) : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state)
        {
            if (!calls.IsAddingCompleted) calls.Add((d, state));
        }
    }
}
