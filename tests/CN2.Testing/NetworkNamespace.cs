using System.Globalization;
using System.Runtime.InteropServices;

namespace CN2.Testing;

/// <summary>
/// A network namespace of this test run, with its loopback up. Its name carries the id of the test process; a killed test run's
/// namespaces and the processes in them are removed by <see cref="AfterProcess"/>.
/// </summary>
public sealed partial class NetworkNamespace : IDisposable
{
    private static readonly string Mark = string.Create(CultureInfo.InvariantCulture, $"cn2t-{Environment.ProcessId}-");
    private static int _last;

    private readonly Lazy<NamespaceThread> _thread;

    static NetworkNamespace() => AfterProcess.Run(
        $"for n in $(ip netns list | cut -d' ' -f1 | grep '^{Mark}'); do ip netns pids $n | xargs -r kill -9; ip netns del $n; done");

    /// <param name="role">The end of its name.</param>
    public NetworkNamespace(string role)
    {
        Name = string.Create(CultureInfo.InvariantCulture, $"{Mark}{Interlocked.Increment(ref _last)}-{role}");
        Command.Run("ip", "netns", "add", Name);
        _thread = new(() => new NamespaceThread(Name));
        Ip("link set lo up");
    }

    public string Name { get; }

    /// <summary>Runs commands of <c>ip</c> in it, one a line.</summary>
    public void Ip(string lines) => Command.RunWith(lines + "\n", "ip", "-n", Name, "-batch", "-");

    /// <summary>
    /// Adds a bridge that is up. It has an address of its own: otherwise it takes the lowest of its ports', and with a port that is added later a
    /// neighbour may go on sending to the earlier address, which is another port's now, until its entry is over.
    /// </summary>
    public void AddBridge(string name) => Ip($"link add {name} address 02:00:00:00:00:f1 type bridge\nlink set {name} up");

    /// <summary>Runs a command in it and returns its output; a failure throws.</summary>
    public string Exec(params string[] command) => Command.Run("ip", ["netns", "exec", Name, .. command]);

    public string ExecWith(string input, params string[] command) => Command.RunWith(input, "ip", ["netns", "exec", Name, .. command]);

    public (int Code, string Output) Try(params string[] command) => Command.Try("ip", ["netns", "exec", Name, .. command]);

    /// <summary>Sets a kernel parameter of the namespace, by its path below /proc/sys.</summary>
    public void Sysctl(string path, string value) => Run(() =>
    {
        // The kernel looks at the namespace of the thread that opens the file.
        File.WriteAllText("/proc/sys/" + path, value);
        return true;
    });

    public Task<T> RunAsync<T>(Func<Task<T>> work) => _thread.Value.RunAsync(work);

    public Task RunAsync(Func<Task> work) => _thread.Value.RunAsync(work);

    public T Run<T>(Func<T> work) => _thread.Value.Run(work);

    /// <summary>Ends the processes in it and removes it.</summary>
    public void Dispose()
    {
        // By hand: `ip netns pids`, and `kill` for each of them, take long on an emulated machine.
        var mine = Run(() => NamespaceOf("thread-self"));
        foreach (var directory in Directory.GetDirectories("/proc"))
            if (mine is not null && int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && NamespaceOf($"{pid}") == mine)
                _ = Kill(pid, 9);
        _thread.Value.Dispose();
        Command.Try("ip", "netns", "del", Name);
    }

    /// <summary>The network namespace of a process's first thread; null if the process has ended.</summary>
    private static string? NamespaceOf(string process)
    {
        try
        {
            return new FileInfo($"/proc/{process}/ns/net").LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
