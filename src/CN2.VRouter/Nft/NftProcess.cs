using CN2.VRouter.Dataplane;
using CN2.VRouter.Host;

namespace CN2.VRouter.Nft;

/// <summary>Runs nft; one run is one transaction.</summary>
internal static class NftProcess
{
    /// <summary>Feeds <paramref name="text"/> to nft. <paramref name="started"/> gets the process id before nft can do anything.</summary>
    /// <returns>The standard output of nft.</returns>
    /// <exception cref="DataplaneException">nft is missing or has refused; nothing was changed.</exception>
    /// <exception cref="TimeoutException">nft did not end in time; it may have changed something.</exception>
    public static async Task<string> RunAsync(string? text, Action<int>? started, params string[] arguments)
    {
        var (exitCode, output, errors) = await ToolProcess.RunAsync("nft", "install nftables 1.0.6 or newer", text, started, arguments);
        return exitCode == 0 ? output : throw new DataplaneException(Explain(errors, exitCode));
    }

    /// <summary>The first error in one line; the others are mostly its consequences.</summary>
    internal static string Explain(string errors, int exitCode)
    {
        if (errors.Contains("Operation not permitted", StringComparison.Ordinal))
            return "nft may not change the tables: CAP_NET_ADMIN is missing in this network namespace";
        var line = errors.Split('\n').FirstOrDefault(l => l.Contains("Error", StringComparison.Ordinal)) ?? errors.Trim();
        return line.Length == 0 ? $"nft ended with code {exitCode}" : "nft refused: " + line.Trim();
    }
}
