using CN2.Api.Kubernetes.Patches;
using CN2.Api.Kubernetes.Statuses;

namespace CN2.Api.Kubernetes.Requests;

/// <summary>What becomes of unknown and duplicate fields.</summary>
internal enum FieldValidation
{
    /// <summary>They are dropped.</summary>
    Ignore,

    /// <summary>They are dropped, and a Warning header names each.</summary>
    Warn,

    /// <summary>The object is refused.</summary>
    Strict,
}

/// <summary>The query of a write.</summary>
/// <param name="IsDryRun">Everything is checked, nothing is written.</param>
/// <param name="Manager">Who writes; null: the User-Agent says.</param>
/// <param name="Validation">Warn when the query does not say.</param>
/// <param name="IsForced">An apply takes the fields of other managers.</param>
internal sealed record WriteOptions(bool IsDryRun, string? Manager, FieldValidation Validation, bool? IsForced)
{
    private const int LongestManager = 128;

    /// <summary>Exactly one of the results is set; the refusal names every fault.</summary>
    /// <param name="query">Of the request.</param>
    /// <param name="kind">What Kubernetes calls the options of the request, such as <c>CreateOptions</c>.</param>
    public static (WriteOptions? Options, FailureStatus? Refused) Read(IQueryCollection query, string kind)
    {
        var faults = new List<StatusCause>();
        var dryRun = query["dryRun"];
        if (dryRun.Any(v => v != "All")) faults.Add(new(StatusCause.NotSupported, $"Unsupported value: \"{dryRun}\": supported values: \"All\"", "dryRun"));
        FieldValidation? validation = query["fieldValidation"].ToString() switch
        {
            "" or "Warn" => FieldValidation.Warn,
            "Strict" => FieldValidation.Strict,
            "Ignore" => FieldValidation.Ignore,
            _ => null,
        };
        if (validation is null) faults.Add(new(StatusCause.NotSupported, $"Unsupported value: \"{query["fieldValidation"]}\": supported values: \"Ignore\", \"Strict\", \"Warn\"", "fieldValidation"));
        var manager = query["fieldManager"].ToString();
        if (manager.Length > LongestManager) faults.Add(new(StatusCause.TooLong, $"Too long: may not be more than {LongestManager} bytes", "fieldManager"));
        else if (manager.Any(c => char.IsControl(c) || char.IsSurrogate(c))) faults.Add(new(StatusCause.Invalid, "Invalid value: should only contain printable characters", "fieldManager"));
        bool? force = query["force"].ToString() switch { "" => null, "true" or "1" => true, "false" or "0" => false, _ => null };
        if (force is null && query["force"].ToString().Length > 0) faults.Add(new(StatusCause.Invalid, "must be true or false", "force"));
        if (faults.Count > 0) return (null, FailureStatus.InvalidOptions(kind, faults));
        return (new WriteOptions(dryRun.Count > 0, manager.Length > 0 ? manager : null, validation!.Value, force), null);
    }

    /// <summary>The name of the manager: of the query, else the first part of the User-Agent.</summary>
    public FieldManager ManagerOf(HttpRequest request, string subresource = "")
    {
        if (Manager is not null) return new FieldManager(Manager, subresource);
        var agent = request.Headers.UserAgent.ToString().Split('/')[0];
        var shortened = agent.Length > LongestManager ? agent[..LongestManager] : agent;
        return new FieldManager(shortened.Length > 0 && !shortened.Any(c => char.IsControl(c) || char.IsSurrogate(c)) ? shortened : "unknown", subresource);
    }
}
