using System.Diagnostics;

namespace CN2.Bench.Lab;

/// <summary>A process the bench started; its output goes to a file, and it is ended by its own pid.</summary>
internal sealed class RunningProcess : IDisposable
{
    private readonly Process _process;

    public RunningProcess(string log, string file, params string[] arguments) : this(log, [], file, arguments)
    {
    }

    public RunningProcess(string log, IEnumerable<KeyValuePair<string, string>> environment, string file, params string[] arguments)
    {
        Log = log;
        // The shell only redirects: with exec the pid is the program's own.
        var start = new ProcessStartInfo("sh", ["-c", "log=$1; shift; exec \"$@\" >>\"$log\" 2>&1 </dev/null", "sh", log, file, .. arguments]) { WorkingDirectory = "/" };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        _process = Process.Start(start)!;
    }

    public string Log { get; }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>Processor time used so far, user and system; of this process, not its children.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Resident memory in bytes.</summary>
    public long ResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <summary>The most resident memory so far in bytes.</summary>
    public long PeakResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.PeakWorkingSet64;
        }
    }

    /// <summary>SIGKILL, and gone on return.</summary>
    public void Kill()
    {
        if (!_process.HasExited) _process.Kill();
        _process.WaitForExit(10_000);
    }

    /// <summary>A signal by name (INT, TERM), then up to ten seconds of patience, then SIGKILL.</summary>
    public void Stop(string signal)
    {
        if (!_process.HasExited) TryRun("kill", $"-{signal}", $"{Id}");
        if (!_process.WaitForExit(10_000)) Kill();
    }

    public void Dispose()
    {
        Kill();
        _process.Dispose();
    }

    public static string Run(string file, params string[] arguments)
    {
        var (code, output) = TryRun(file, arguments);
        return code == 0 ? output : throw new InvalidOperationException($"{file} {string.Join(' ', arguments)}: exit {code}: {output}");
    }

    public static (int Code, string Output) TryRun(string file, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(file, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + error.Result);
    }
}
