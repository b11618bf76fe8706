using System.ComponentModel;
using System.Diagnostics;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Host;

/// <summary>Runs a tool of the system, such as nft. A separate process keeps its memory and its crashes out of the agent.</summary>
internal static class ToolProcess
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Feeds <paramref name="text"/> to a tool and waits for its end.</summary>
    /// <param name="install">What the operator must do if the tool is missing.</param>
    /// <param name="started">Gets the process id before the tool can have read anything.</param>
    /// <exception cref="DataplaneException">The tool is missing.</exception>
    /// <exception cref="TimeoutException">The tool did not end in time; it may have changed something.</exception>
    public static async Task<(int ExitCode, string Output, string Errors)> RunAsync(string tool, string install, string? text, Action<int>? started, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(tool, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = new Process { StartInfo = start };
        try
        {
            process.Start();
        }
        catch (Win32Exception e)
        {
            throw new DataplaneException($"{tool} cannot be run ({e.Message}); {install}", e);
        }

        started?.Invoke(process.Id);
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(patience.Token);
            var errors = process.StandardError.ReadToEndAsync(patience.Token);
            try
            {
                if (text is not null) await process.StandardInput.WriteAsync(text.AsMemory(), patience.Token);
                process.StandardInput.Close();
            }
            catch (IOException)
            {
                // The tool has ended early; its error output says why.
            }

            await process.WaitForExitAsync(patience.Token);
            return (process.ExitCode, await output, await errors);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw new TimeoutException($"{tool} did not end within {Patience.TotalSeconds:0} s");
        }
    }
}
