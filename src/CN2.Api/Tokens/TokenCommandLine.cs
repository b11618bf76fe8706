using System.Globalization;
using CN2.Api.Access;
using CN2.Network.Selection;

namespace CN2.Api.Tokens;

/// <summary>
/// What <c>CN2.Api token …</c> is asked to do. Options that are not its own are settings, as those of the server.
/// </summary>
/// <param name="Verb">create, list or delete.</param>
/// <param name="Name">Of the token, and of the role binding that is made with it; null for list.</param>
/// <param name="Role">What the token may do.</param>
/// <param name="ExpiresIn">How long it counts; null: for ever.</param>
/// <param name="Namespaces">Where: names, or <c>*</c> for all.</param>
/// <param name="Settings">The other arguments.</param>
public sealed record TokenCommandLine(string Verb, string? Name, Role Role, TimeSpan? ExpiresIn, IReadOnlyList<string> Namespaces, string[] Settings)
{
    public const string Usage =
        """
        Usage: CN2.Api token create --name NAME --role viewer|editor|operator|admin [--expires-in 90d] [--namespaces ns1,ns2] [--Setting:Name=value …]
               CN2.Api token list
               CN2.Api token delete --name NAME
        """;

    private static readonly string[] Own = ["--name", "--role", "--expires-in", "--namespaces"];

    /// <param name="args">What comes after <c>token</c>.</param>
    /// <param name="faults">All of them, each a sentence; empty: the result is set.</param>
    public static TokenCommandLine? Read(IReadOnlyList<string> args, out IReadOnlyList<string> faults)
    {
        var found = new List<string>();
        faults = found;
        var verb = args.Count > 0 ? args[0] : "";
        if (verb is not ("create" or "list" or "delete"))
        {
            found.Add(verb.Length == 0 ? "The command token needs create, list or delete." : $"The command token has no '{verb}': it has create, list and delete.");
            return null;
        }

        var (given, settings) = Split(args.Skip(1).ToList(), found);
        foreach (var option in given.Keys.Where(o => verb == "list" || (verb == "delete" && o != "--name"))) found.Add($"token {verb} has no {option}.");
        var name = given.GetValueOrDefault("--name");
        if (verb != "list" && name is null) found.Add($"token {verb} needs --name NAME.");
        else if (name is not null && NameSyntax.FaultOfDnsLabel(name) is { } fault) found.Add($"--name: {fault}");

        var role = Role.Viewer;
        TimeSpan? expiresIn = null;
        string[] namespaces = ["*"];
        if (verb == "create")
        {
            role = ReadRole(given.GetValueOrDefault("--role"), found);
            expiresIn = ReadTime(given.GetValueOrDefault("--expires-in"), found);
            namespaces = ReadNamespaces(given.GetValueOrDefault("--namespaces"), role, found);
        }

        return found.Count > 0 ? null : new TokenCommandLine(verb, name, role, expiresIn, namespaces, settings);
    }

    private static (Dictionary<string, string> Own, string[] Settings) Split(List<string> args, List<string> faults)
    {
        var own = new Dictionary<string, string>(StringComparer.Ordinal);
        var settings = new List<string>();
        for (var i = 0; i < args.Count; i++)
        {
            var at = args[i].IndexOf('=', StringComparison.Ordinal);
            var option = at < 0 ? args[i] : args[i][..at];
            if (!Own.Contains(option))
            {
                settings.Add(args[i]);
                continue;
            }

            var value = at >= 0 ? args[i][(at + 1)..] : i + 1 < args.Count ? args[++i] : "";
            if (value.Length == 0) faults.Add($"{option} has no value.");
            else if (!own.TryAdd(option, value)) faults.Add($"{option} is given twice.");
        }

        return (own, [.. settings]);
    }

    private static Role ReadRole(string? text, List<string> faults)
    {
        foreach (var role in Enum.GetValues<Role>())
        {
            if (text == WordOf(role)) return role;
        }

        faults.Add(text is null ? "token create needs --role viewer, editor, operator or admin." : $"--role is '{text}': expected viewer, editor, operator or admin.");
        return Role.Viewer;
    }

    /// <summary>The role as role bindings write it.</summary>
    internal static string WordOf(Role role) => role switch
    {
        Role.Viewer => "viewer",
        Role.Editor => "editor",
        Role.Operator => "operator",
        _ => "admin",
    };

    private static TimeSpan? ReadTime(string? text, List<string> faults)
    {
        if (text is null) return null;
        var unit = text[^1] switch { 'd' => 24 * 60, 'h' => 60, 'm' => 1, _ => 0 };
        if (unit > 0 && int.TryParse(text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count is > 0 and <= 100_000) return TimeSpan.FromMinutes((double)unit * count);
        faults.Add($"--expires-in is '{text}': expected days, hours or minutes such as 90d, 12h or 30m.");
        return null;
    }

    private static string[] ReadNamespaces(string? text, Role role, List<string> faults)
    {
        if (text is null or "*") return ["*"];
        if (role >= Role.Operator)
        {
            faults.Add($"--namespaces is '{text}': role {WordOf(role)} is of all namespaces; leave --namespaces out.");
            return [];
        }

        string[] names = [.. text.Split(',', StringSplitOptions.TrimEntries).Distinct()];
        foreach (var name in names)
        {
            if (NameSyntax.FaultOfDnsLabel(name) is { } fault) faults.Add($"--namespaces: {fault}");
        }

        return names;
    }
}
