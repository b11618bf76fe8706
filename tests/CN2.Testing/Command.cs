using System.Diagnostics;

namespace CN2.Testing;

/// <summary>Commands that run to their end. One that does not end is killed and throws, so a test that waits for it fails instead of hanging.</summary>
public static class Command
{
    private static readonly TimeSpan Longest = Patience.Seconds(180);

    /// <summary>The command's standard output. A failure throws, with everything it printed.</summary>
    public static string Run(string file, params string[] arguments) => RunWith("", file, arguments);

    /// <summary>The same, with this text as standard input.</summary>
    public static string RunWith(string input, string file, params string[] arguments)
    {
        var (code, output) = Execute(input, file, arguments);
        return code == 0 ? output : throw new InvalidOperationException($"{file} {string.Join(' ', arguments)}: exit {code}: {output}\n{input}");
    }

    /// <summary>The exit code and the standard output; after a failure, the standard error follows.</summary>
    public static (int Code, string Output) Try(string file, params string[] arguments) => Execute("", file, arguments);

    private static (int Code, string Output) Execute(string input, string file, string[] arguments)
    {
        var start = new ProcessStartInfo(file, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        try
        {
            process.StandardInput.Write(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // The command ended before it read its input; its exit code and its messages tell why.
        }

        // What a command started may hold its output open when it has ended itself.
        if (!process.WaitForExit(Longest) || !Task.WaitAll([output, error], Longest))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{file} {string.Join(' ', arguments)}: has not ended, or not closed its output, within {Longest.TotalSeconds} s\n{input}");
        }

        var text = output.GetAwaiter().GetResult();
        return (process.ExitCode, process.ExitCode == 0 ? text : text + error.GetAwaiter().GetResult());
    }
}
