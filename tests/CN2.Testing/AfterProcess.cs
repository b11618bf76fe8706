using System.Diagnostics;

namespace CN2.Testing;

/// <summary>Clears up after this process, also when it was killed and disposed nothing: a shell waits until it has ended.</summary>
internal static class AfterProcess
{
    public static void Run(string script)
    {
        var wait = $"exec >/dev/null 2>&1 </dev/null; while kill -0 {Environment.ProcessId}; do sleep 1; done; {script}";
        Process.Start(new ProcessStartInfo("setsid", ["sh", "-c", wait]) { WorkingDirectory = "/" })!.Dispose();
    }
}
