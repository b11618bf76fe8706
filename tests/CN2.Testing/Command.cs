using System.Diagnostics;

namespace CN2.Testing;

/// <summary>Commands that run to their end.</summary>
public static class Command
{
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

        process.WaitForExit();
        var text = output.GetAwaiter().GetResult();
        return (process.ExitCode, process.ExitCode == 0 ? text : text + error.GetAwaiter().GetResult());
    }
}
