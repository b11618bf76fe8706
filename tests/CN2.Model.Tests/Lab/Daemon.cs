using System.Diagnostics;
using System.Globalization;

namespace CN2.Model.Tests.Lab;

/// <summary>A process of the product or beside it, inside a namespace; it can be killed with SIGKILL and started again. Its output is one file over all lives.</summary>
internal sealed class Daemon(NetworkNamespace ns, string log, IReadOnlyDictionary<string, string> environment, params string[] command) : IDisposable
{
    private readonly Lock _lock = new();
    private Process? _process;

    public string Log => log;

    public bool Running
    {
        get
        {
            lock (_lock) return _process is { HasExited: false };
        }
    }

    public void Start()
    {
        lock (_lock)
        {
            if (_process is { HasExited: false }) return;
            _process?.Dispose();
            // ip and sh replace themselves by the program: the process known here is the program.
            var start = new ProcessStartInfo("ip", ["netns", "exec", ns.Name, "sh", "-c", $"exec \"$@\" >>{log} 2>&1 </dev/null", "sh", .. command]) { WorkingDirectory = "/" };
            foreach (var (name, value) in environment) start.Environment[name] = value;
            _process = Process.Start(start)!;
        }
    }

    public void Kill() => Signal("KILL", wait: true);

    public void Signal(string signal, bool wait = false)
    {
        lock (_lock)
        {
            if (_process is not { HasExited: false }) return;
            Command.Try("kill", $"-{signal}", _process.Id.ToString(CultureInfo.InvariantCulture));
            if (wait) _process.WaitForExit(5000);
        }
    }

    public void Dispose()
    {
        Kill();
        _process?.Dispose();
    }
}
