using System.Globalization;
using System.Text.Json;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Host;

namespace CN2.VRouter.Overlay.Kernel;

/// <summary>iproute2's ip, in the network namespace of the calling thread or in one that is named.</summary>
internal static class IpTool
{
    /// <summary>Carries out commands, one a line ("link set lo up"), up to the first that fails.</summary>
    /// <param name="options">Before the command: "-n NAME", "-f mpls".</param>
    /// <exception cref="DataplaneException">One was refused, and is named; those before it are done.</exception>
    public static async Task ChangeAsync(IReadOnlyList<string> options, IReadOnlyList<string> lines)
    {
        if (lines.Count == 0) return;
        var (exitCode, _, errors) = await RunAsync(string.Join('\n', lines) + '\n', [.. options, "-batch", "-"]);
        if (exitCode != 0) throw new DataplaneException(Explain(lines, errors));
    }

    /// <summary>Takes away what is there of what the commands name.</summary>
    public static async Task RemoveAsync(IReadOnlyList<string> options, IReadOnlyList<string> lines)
    {
        if (lines.Count > 0) await RunAsync(string.Join('\n', lines) + '\n', [.. options, "-force", "-batch", "-"]);
    }

    /// <summary>What a command lists; nothing where it names what is not there.</summary>
    public static async Task<IReadOnlyList<JsonElement>> ListAsync(params IReadOnlyList<string> arguments)
    {
        var (exitCode, output, _) = await RunAsync(null, ["-json", .. arguments]);
        if (exitCode != 0 || string.IsNullOrWhiteSpace(output)) return [];
        using var document = JsonDocument.Parse(output);
        // Of a list of one kind some commands write empty objects for the others.
        return [.. document.RootElement.EnumerateArray().Where(e => e.EnumerateObject().Any()).Select(e => e.Clone())];
    }

    internal static string Explain(IReadOnlyList<string> lines, string errors)
    {
        var reason = errors.Split('\n')[0].Trim();
        var place = errors.LastIndexOf("Command failed -:", StringComparison.Ordinal);
        var which = place >= 0 && int.TryParse(errors[(place + 17)..].TrimEnd(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= 1 && number <= lines.Count
            ? $" `{lines[number - 1]}`"
            : "";
        return $"ip refused{which}: {reason}";
    }

    /// <summary>Runs it with <paramref name="text"/> as its input.</summary>
    public static Task<(int ExitCode, string Output, string Errors)> RunAsync(string? text, IEnumerable<string> arguments) =>
        ToolProcess.RunAsync("ip", "install iproute2 6.1 or newer", text, null, arguments);
}
