using System.ComponentModel;
using System.Diagnostics;

namespace CN2.VRouter.Nft;

/// <summary>Runs nft; one run is one transaction. A process of its own keeps its memory and its assertions out of the agent.</summary>
internal static class NftProcess
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Feeds <paramref name="text"/> to nft. <paramref name="started"/> gets the process id before nft can do anything.</summary>
    /// <returns>What it wrote to its standard output.</returns>
    /// <exception cref="DataplaneException">nft is missing, or refused; nothing was changed.</exception>
    /// <exception cref="TimeoutException">It did not end; nobody knows what was changed.</exception>
    public static async Task<string> RunAsync(string? text, Action<int>? started, params string[] arguments)
    {
        var start = new ProcessStartInfo("nft")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        using var process = new Process { StartInfo = start };
        try
        {
            process.Start();
        }
        catch (Win32Exception e)
        {
            throw new DataplaneException($"nft cannot be run ({e.Message}); install nftables 1.0.6 or newer", e);
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
                // It has ended already and says why.
            }

            await process.WaitForExitAsync(patience.Token);
            if (process.ExitCode != 0) throw new DataplaneException(Explain(await errors, process.ExitCode));
            return await output;
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw new TimeoutException($"nft did not end within {Patience.TotalSeconds:0} s");
        }
    }

    /// <summary>The first fault in one line; the rest are mostly its consequences.</summary>
    internal static string Explain(string errors, int exitCode)
    {
        if (errors.Contains("Operation not permitted", StringComparison.Ordinal))
            return "nft may not change the tables: CAP_NET_ADMIN is missing in this network namespace";
        var line = errors.Split('\n').FirstOrDefault(l => l.Contains("Error", StringComparison.Ordinal)) ?? errors.Trim();
        return line.Length == 0 ? $"nft ended with code {exitCode}" : "nft refused: " + line.Trim();
    }
}
