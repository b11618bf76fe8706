using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace CN2.Testing;

/// <summary>
/// A process that a test or the bench started. It is ended by its own process id and can be started again with the same command. Its
/// output is kept in memory, or appended to a file. All members may be called from several threads.
/// </summary>
public sealed class RunningProcess : IDisposable
{
    private readonly Lock _lock = new();
    private readonly StringBuilder _output = new();
    private readonly ProcessStartInfo _start;
    private Process _process;

    /// <summary>Starts it; its output is kept in memory.</summary>
    public RunningProcess(string file, params string[] arguments)
    {
        _start = new ProcessStartInfo(file, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        _process = Launch();
    }

    /// <summary>Starts it; its output is appended to the file <paramref name="log"/>.</summary>
    public RunningProcess(string file, string[] arguments, string log, IReadOnlyDictionary<string, string>? environment = null)
    {
        Log = log;
        // The shell only redirects: exec keeps the process id.
        _start = new ProcessStartInfo("sh", ["-c", "log=$1; shift; exec \"$@\" >>\"$log\" 2>&1 </dev/null", "sh", log, file, .. arguments]);
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) _start.Environment[name] = value;
        _process = Launch();
    }

    /// <summary>The file its output goes to; null if the output is kept in memory.</summary>
    public string? Log { get; }

    public int Id => Current(p => p.Id);

    public bool HasExited => Current(p => p.HasExited);

    /// <summary>What it printed: since its last start if kept in memory, else since the file was made.</summary>
    public string Output
    {
        get
        {
            if (Log is not null) return File.Exists(Log) ? File.ReadAllText(Log) : "";
            lock (_output) return _output.ToString();
        }
    }

    /// <summary>Processor time so far, user and system; of this process, not of its children.</summary>
    public TimeSpan ProcessorTime => Current(p => p.TotalProcessorTime);

    /// <summary>Resident memory in bytes.</summary>
    public long ResidentBytes => Current(p => p.WorkingSet64);

    /// <summary>The largest resident memory so far, in bytes.</summary>
    public long PeakResidentBytes => Current(p => p.PeakWorkingSet64);

    /// <summary>Forgets the output that is kept in memory.</summary>
    public void ClearOutput()
    {
        lock (_output) _output.Clear();
    }

    /// <summary>Starts it again if it has ended; no effect while it runs.</summary>
    public void Start()
    {
        lock (_lock)
        {
            if (!_process.HasExited) return;
            _process.Dispose();
            ClearOutput();
            _process = Launch();
        }
    }

    /// <summary>Sends a signal by name (<c>TERM</c>, <c>STOP</c>) if it runs.</summary>
    public void Signal(string signal)
    {
        lock (_lock)
        {
            if (!_process.HasExited) Command.Try("kill", $"-{signal}", _process.Id.ToString(CultureInfo.InvariantCulture));
        }
    }

    /// <summary>Sends SIGKILL and returns when the process has ended.</summary>
    public void Kill()
    {
        lock (_lock)
        {
            if (!_process.HasExited) _process.Kill();
            _process.WaitForExit(10_000);
        }
    }

    /// <summary>Sends a signal by name, waits up to ten seconds, then kills.</summary>
    public void Stop(string signal)
    {
        Signal(signal);
        if (!Current(p => p.WaitForExit(10_000))) Kill();
    }

    public void Dispose()
    {
        Kill();
        _process.Dispose();
    }

    private Process Launch()
    {
        _start.WorkingDirectory = "/";
        var process = new Process { StartInfo = _start };
        process.OutputDataReceived += (_, e) => Append(e.Data);
        process.ErrorDataReceived += (_, e) => Append(e.Data);
        process.Start();
        if (Log is not null) return process;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private T Current<T>(Func<Process, T> read)
    {
        lock (_lock)
        {
            _process.Refresh();
            return read(_process);
        }
    }

    private void Append(string? line)
    {
        if (line is null) return;
        lock (_output) _output.AppendLine(line);
    }
}
