using System.Globalization;
using CN2.Api.Http;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Kubernetes.Statuses;
using CN2.Api.Kubernetes.Versions;
using CN2.Network.Selection;

namespace CN2.Api.Kubernetes.Lists;

/// <summary>Reads the query of a list or a watch. The rules are those of Kubernetes' ListOptions.</summary>
internal static class ListRequestReader
{
    /// <summary>A watch ends after this time at the latest, so that connections are spread again.</summary>
    private static readonly TimeSpan LongestWatch = TimeSpan.FromHours(2);

    /// <param name="query">Of the request.</param>
    /// <param name="resource">The kind of the collection.</param>
    /// <param name="ns">Of the path; null: all namespaces, or the kind is cluster-scoped.</param>
    /// <param name="malformed">What cannot be read (400 BadRequest): a sentence each.</param>
    /// <param name="invalid">What is readable and does not go together (422 Invalid), by parameter.</param>
    public static ListRequest Read(IQueryCollection query, ResourceDefinition resource, string? ns, List<string> malformed, FaultList invalid)
    {
        var scope = ContinueToken.ScopeOf(resource, ns, Text(query, "labelSelector"), Text(query, "fieldSelector"));
        var isWatch = Flag(query, "watch", malformed) ?? false;
        var request = new ListRequest
        {
            Selector = ReadSelector(query, resource, malformed),
            Version = ReadVersion(query, malformed),
            Limit = (int)Math.Min(int.MaxValue, Number(query, "limit", malformed) ?? 0),
            IsWatch = isWatch,
            Timeout = Number(query, "timeoutSeconds", malformed) is { } seconds and > 0 ? TimeSpan.FromSeconds(Math.Min(seconds, LongestWatch.TotalSeconds)) : null,
            HasBookmarks = Flag(query, "allowWatchBookmarks", malformed) ?? false,
            HasInitialEvents = Flag(query, "sendInitialEvents", malformed),
            Match = ReadMatch(query, invalid),
            Continue = ReadContinue(query, scope, malformed),
            Scope = scope,
        };
        if (isWatch) CheckWatch(request, invalid);
        else CheckList(request, query, malformed, invalid);
        return request;
    }

    /// <summary>The answer to what <see cref="Read"/> found; null: nothing is wrong.</summary>
    public static FailureStatus? Refusal(List<string> malformed, FaultList invalid)
    {
        if (malformed.Count > 0) return FailureStatus.BadRequest(string.Join("; ", malformed));
        if (invalid.Count == 0) return null;
        var causes = invalid.Select(f => new StatusCause(f.Message.StartsWith("Forbidden", StringComparison.Ordinal) ? StatusCause.Forbidden : StatusCause.NotSupported, f.Message, f.Path)).ToList();
        return FailureStatus.InvalidOptions("ListOptions", causes);
    }

    /// <summary>The query asks for a watch.</summary>
    public static bool IsWatch(IQueryCollection query) => Flag(query, "watch", []) == true;

    private static void CheckWatch(ListRequest request, FaultList invalid)
    {
        if (request.HasInitialEvents is null)
        {
            if (request.Match is not null) invalid.Add("resourceVersionMatch", "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
        }
        else if (request.Match != VersionMatch.NotOlderThan)
        {
            invalid.Add("sendInitialEvents", "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
        }

        if (request.Continue is not null) invalid.Add("continue", "Forbidden: continue is forbidden for watch");
    }

    private static void CheckList(ListRequest request, IQueryCollection query, List<string> malformed, FaultList invalid)
    {
        if (request.HasInitialEvents is not null) invalid.Add("sendInitialEvents", "Forbidden: sendInitialEvents is forbidden for list");
        if (request.Match is not null)
        {
            if (Text(query, "resourceVersion") is null) invalid.Add("resourceVersionMatch", "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided");
            else if (request is { Match: VersionMatch.Exact, Version: null }) invalid.Add("resourceVersionMatch", "Forbidden: resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
            if (request.Continue is not null) invalid.Add("resourceVersionMatch", "Forbidden: resourceVersionMatch is forbidden when continue is provided");
        }

        if (request is { Continue: not null, Version: not null }) malformed.Add("specifying resource version is not allowed when using continue");
    }

    private static ObjectSelector ReadSelector(IQueryCollection query, ResourceDefinition resource, List<string> malformed)
    {
        if (!LabelSelector.TryParse(Text(query, "labelSelector"), out var labels, out var error)) malformed.Add($"unable to parse labelSelector: {error}");
        var (fields, fault) = FieldSelector.Parse(Text(query, "fieldSelector"), SelectableFields.Of(resource));
        if (fault is not null) malformed.Add(fault);
        return new ObjectSelector(labels ?? LabelSelector.Everything, fields ?? FieldSelector.Everything);
    }

    private static ResourceVersion? ReadVersion(IQueryCollection query, List<string> malformed)
    {
        if (Text(query, "resourceVersion") is not { } text || text == "0") return null;
        if (ResourceVersion.TryParse(text, out var version)) return version;
        malformed.Add($"invalid resourceVersion \"{Shown(text)}\": a number of this server is expected");
        return null;
    }

    private static VersionMatch? ReadMatch(IQueryCollection query, FaultList invalid)
    {
        switch (Text(query, "resourceVersionMatch"))
        {
            case null:
                return null;
            case nameof(VersionMatch.Exact):
                return VersionMatch.Exact;
            case nameof(VersionMatch.NotOlderThan):
                return VersionMatch.NotOlderThan;
            case var other:
                invalid.Add("resourceVersionMatch", $"Unsupported value: \"{Shown(other)}\": supported values: \"Exact\", \"NotOlderThan\"");
                return null;
        }
    }

    private static ContinueToken? ReadContinue(IQueryCollection query, string scope, List<string> malformed)
    {
        if (Text(query, "continue") is not { } text) return null;
        if (!ContinueToken.TryParse(text, out var token)) malformed.Add("continue key is not valid: it is not one that this server gave");
        else if (token!.Scope != scope) malformed.Add("continue key is not valid: it is of a list of another resource, of another namespace or by other selectors");
        else return token;
        return null;
    }

    /// <summary>As Kubernetes reads flags of a query: present without a value is true.</summary>
    private static bool? Flag(IQueryCollection query, string name, List<string> malformed)
    {
        if (!query.TryGetValue(name, out var values)) return null;
        switch (values.ToString())
        {
            case "" or "1" or "true" or "True" or "TRUE" or "t" or "T":
                return true;
            case "0" or "false" or "False" or "FALSE" or "f" or "F":
                return false;
            case var other:
                malformed.Add($"{name}: \"{Shown(other)}\" is neither true nor false");
                return null;
        }
    }

    private static long? Number(IQueryCollection query, string name, List<string> malformed)
    {
        if (Text(query, name) is not { } text) return null;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return number;
        malformed.Add($"{name}: \"{Shown(text)}\" is no number of 0 or more");
        return null;
    }

    /// <summary>Null: absent or empty.</summary>
    private static string? Text(IQueryCollection query, string name) => query[name].ToString() is { Length: > 0 } text ? text : null;

    private static string Shown(string text) => text.Length <= 100 ? text : text[..100] + "…";
}
