using System.Diagnostics;

namespace CN2.Model.Tests.Lab;

/// <summary>Commands that run to their end.</summary>
internal static class Command
{
    public static string Run(string file, params string[] arguments)
    {
        var (code, output) = Try(file, arguments);
        return code == 0 ? output : throw new InvalidOperationException($"{file} {string.Join(' ', arguments)}: exit {code}: {output}");
    }

    public static (int Code, string Output) Try(string file, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(file, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, process.ExitCode == 0 ? output : output + error.GetAwaiter().GetResult());
    }
}
