using System.Text.RegularExpressions;
using CN2.Network.Selection;

namespace CN2.VRouter;

/// <summary>Reads the command line of <c>cn2-vrouter join</c>.</summary>
internal static partial class JoinCommandLine
{
    private static readonly string[] Known = ["--server", "--token", "--token-file", "--ca-hash", "--state-dir", "--name", "--ca-file"];

    /// <param name="arguments">What follows the word join.</param>
    /// <param name="environment">The value of an environment variable; null: it is not set.</param>
    public static AgentCommand Parse(IReadOnlyList<string> arguments, Func<string, string?> environment)
    {
        var faults = new List<string>();
        var values = new Dictionary<string, string>();
        var force = false;
        for (var i = 0; i < arguments.Count; i++)
        {
            var argument = arguments[i];
            if (argument == "--force")
            {
                force = true;
                continue;
            }

            var equals = argument.IndexOf('=', StringComparison.Ordinal);
            var option = equals > 0 && argument.StartsWith("--", StringComparison.Ordinal) ? argument[..equals] : argument;
            if (!Known.Contains(option)) faults.Add($"{argument}: there is no such option of join");
            else if (equals <= 0 && (i + 1 >= arguments.Count || arguments[i + 1].StartsWith("--", StringComparison.Ordinal))) faults.Add($"{option}: a value is missing");
            else if (!values.TryAdd(option, equals > 0 ? argument[(equals + 1)..] : arguments[++i])) faults.Add($"{option}: given more than once");
        }

        string? One(string option) => values.GetValueOrDefault(option) ?? (option is "--server" or "--state-dir" or "--name" or "--ca-file" && environment(AgentCommandLine.Variable(option)) is { Length: > 0 } text ? text : null);

        var server = Uri.TryCreate(One("--server"), UriKind.Absolute, out var uri) && uri.Scheme == Uri.UriSchemeHttps && uri.Host.Length > 0 && uri.AbsolutePath == "/" && uri.Query.Length == 0 && uri.UserInfo.Length == 0 ? uri : null;
        if (server is null) faults.Add($"--server{(One("--server") is { } given ? " " + given : "")}: expected https://HOST:PORT of a CN2.Api; agents join over TLS only");
        var hash = One("--ca-hash")?.ToLowerInvariant();
        if (hash is null || !Hash().IsMatch(hash)) faults.Add("--ca-hash: expected sha256: and 64 hexadecimal digits, as the answer with the join token has it");
        var directory = One("--state-dir");
        if (string.IsNullOrEmpty(directory)) faults.Add("--state-dir: missing; expected the directory in which the agent keeps its certificate");
        var name = One("--name");
        if (name is not null && NameSyntax.FaultOfDnsLabel(name) is not null) faults.Add($"--name {name}: expected a DNS label (a-z, 0-9, -), at most 63 characters");
        var token = Token(values, environment, faults);
        return faults.Count > 0 ? new AgentCommand.Wrong(faults) : new AgentCommand.Join(server!, token!, hash!, directory!, name, One("--ca-file"), force);
    }

    /// <summary>What is given in the command line or in a file counts more than the environment. No fault shows the token.</summary>
    private static string? Token(Dictionary<string, string> values, Func<string, string?> environment, List<string> faults)
    {
        var (given, file) = (values.GetValueOrDefault("--token"), values.GetValueOrDefault("--token-file"));
        if (given is not null && file is not null) faults.Add("--token-file: given together with --token; expected one of the two");
        if (given is null && file is not null)
        {
            try
            {
                given = File.ReadAllText(file);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
            {
                faults.Add($"--token-file {file}: it cannot be read ({e.Message.TrimEnd('.')})");
                return null;
            }
        }

        given = (given ?? environment("CN2_JOIN_TOKEN"))?.Trim();
        if (string.IsNullOrEmpty(given)) faults.Add("--token: missing; expected a join token, also by --token-file or the environment variable CN2_JOIN_TOKEN");
        else if (given.Length > 200 || given.Any(c => c is <= ' ' or > '~')) faults.Add("--token: this is no join token");
        return given;
    }

    [GeneratedRegex("^sha256:[0-9a-f]{64}\\z", RegexOptions.CultureInvariant)]
    private static partial Regex Hash();
}
