using System.Diagnostics;

namespace CN2.Testing;

/// <summary>
/// Clears up after this process, also when it was killed and disposed nothing: one shell keeps what is to be run until its input ends, which the kernel sees to. It
/// does not look once a second whether the process is there: with a shell for each of hundreds of servers, that took the processors from the tests.
/// </summary>
internal static class AfterProcess
{
    private const string Keeper = """exec >/dev/null 2>&1; all=; while IFS= read -r script; do all="$all ( $script ) & "; done; eval "$all wait" """;

    private static readonly Lock Turn = new();
    private static Process? _keeper;

    /// <param name="script">One line of shell.</param>
    public static void Run(string script)
    {
        if (script.Contains('\n', StringComparison.Ordinal)) throw new ArgumentException("The script must be one line.", nameof(script));
        lock (Turn)
        {
            _keeper ??= Process.Start(new ProcessStartInfo("setsid", ["sh", "-c", Keeper]) { WorkingDirectory = "/", RedirectStandardInput = true })!;
            _keeper.StandardInput.WriteLine(script);
            _keeper.StandardInput.Flush();
        }
    }
}
