using System.Globalization;
using System.Text.Json;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Host;

namespace CN2.VRouter.Overlay.Kernel;

/// <summary>The command ip of iproute2, in the network namespace of the calling thread or in a named one.</summary>
internal static class IpTool
{
    /// <summary>Runs commands, one a line ("link set lo up"), up to the first that fails.</summary>
    /// <param name="options">Options of ip before the command: "-n NAME", "-f mpls".</param>
    /// <exception cref="DataplaneException">A command was refused; the message names it. Those before it are done.</exception>
    public static async Task ChangeAsync(IReadOnlyList<string> options, IReadOnlyList<string> lines)
    {
        if (lines.Count == 0) return;
        var (exitCode, _, errors) = await RunAsync(string.Join('\n', lines) + '\n', [.. options, "-batch", "-"]);
        if (exitCode != 0) throw new DataplaneException(Explain(lines, errors));
    }

    /// <summary>Runs commands, one a line, and goes on after those that are refused.</summary>
    /// <returns>The index of each refused line, and why.</returns>
    /// <exception cref="DataplaneException">ip failed without saying at which line.</exception>
    public static async Task<IReadOnlyDictionary<int, string>> TryAsync(IReadOnlyList<string> options, IReadOnlyList<string> lines)
    {
        if (lines.Count == 0) return new Dictionary<int, string>();
        var (exitCode, _, errors) = await RunAsync(string.Join('\n', lines) + '\n', [.. options, "-force", "-batch", "-"]);
        if (exitCode == 0) return new Dictionary<int, string>();
        var refused = Refusals(lines, errors);
        return refused.Count > 0 ? refused : throw new DataplaneException(Explain(lines, errors));
    }

    /// <summary>ip writes the reason, and then "Command failed -:LINE".</summary>
    internal static IReadOnlyDictionary<int, string> Refusals(IReadOnlyList<string> lines, string errors)
    {
        const string place = "Command failed -:";
        var refused = new Dictionary<int, string>();
        var reason = "";
        foreach (var line in errors.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (!line.StartsWith(place, StringComparison.Ordinal))
            {
                if (reason.Length == 0) reason = line;
                continue;
            }

            if (int.TryParse(line.AsSpan(place.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= 1 && number <= lines.Count)
                refused[number - 1] = $"ip refused `{lines[number - 1]}`: {reason}";
            reason = "";
        }

        return refused;
    }

    /// <summary>Runs commands that remove something; what does not exist is no error.</summary>
    public static async Task RemoveAsync(IReadOnlyList<string> options, IReadOnlyList<string> lines)
    {
        if (lines.Count > 0) await RunAsync(string.Join('\n', lines) + '\n', [.. options, "-force", "-batch", "-"]);
    }

    /// <summary>The output of a listing command; empty if the object does not exist.</summary>
    public static async Task<IReadOnlyList<JsonElement>> ListAsync(params IReadOnlyList<string> arguments)
    {
        var (exitCode, output, _) = await RunAsync(null, ["-json", .. arguments]);
        if (exitCode != 0 || string.IsNullOrWhiteSpace(output)) return [];
        using var document = JsonDocument.Parse(output);
        // A list of one kind of object may contain empty objects for other kinds.
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

    /// <summary>Runs ip with <paramref name="text"/> as its input.</summary>
    public static Task<(int ExitCode, string Output, string Errors)> RunAsync(string? text, IEnumerable<string> arguments) =>
        ToolProcess.RunAsync("ip", "install iproute2 6.1 or newer", text, null, arguments);
}
