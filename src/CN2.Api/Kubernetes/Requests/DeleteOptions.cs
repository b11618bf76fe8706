using System.Globalization;
using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Kubernetes.Statuses;

namespace CN2.Api.Kubernetes.Requests;

/// <summary>How an object is to be deleted: of the body, or of the query.</summary>
/// <param name="IsDryRun">Nothing is deleted.</param>
/// <param name="Uid">The object has this uid, else 409.</param>
/// <param name="ResourceVersion">The object has this version, else 409.</param>
/// <param name="Propagation">What becomes of the objects that belong to it.</param>
internal sealed record DeleteOptions(bool IsDryRun, string? Uid, string? ResourceVersion, DeletionPropagation Propagation)
{
    /// <summary>Exactly one of the results is set.</summary>
    public static async Task<(DeleteOptions? Options, FailureStatus? Refused)> ReadAsync(HttpContext http)
    {
        var (body, refused) = await RequestObject.ReadAsync(http, MetaSchemas.DeleteOptions, mayBeEmpty: true);
        if (refused is not null) return (null, refused);
        var found = ObjectCheck.Check(body!.Object, MetaSchemas.DeleteOptions);
        var query = http.Request.Query;
        if (MalformedOf(found.Faults, query) is { } malformed) return (null, malformed);
        var faults = found.Faults.Select(StatusCause.Of).ToList();
        var dryRun = ((found.Object["dryRun"] as JsonArray)?.Select(v => v!.ToString()) ?? []).Concat(query["dryRun"].Select(v => v ?? "")).ToList();
        if (dryRun.Exists(v => v != "All")) faults.Add(new(StatusCause.NotSupported, $"Unsupported value: \"{dryRun.First(v => v != "All")}\": supported values: \"All\"", "dryRun"));
        var policy = query["propagationPolicy"].ToString() is { Length: > 0 } asked ? asked : found.Object["propagationPolicy"]?.ToString();
        var isKnown = Enum.TryParse<DeletionPropagation>(policy, out var propagation) && policy == propagation.ToString();
        if (policy is null && (found.Object["orphanDependents"]?.ToString() == "true" || query["orphanDependents"].ToString() is "true" or "1")) propagation = DeletionPropagation.Orphan;
        if (policy is not null && !isKnown)
            faults.Add(new(StatusCause.NotSupported, $"Unsupported value: \"{policy}\": supported values: \"Orphan\", \"Background\", \"Foreground\"", "propagationPolicy"));
        if (found.Object["propagationPolicy"] is not null && found.Object["orphanDependents"] is not null)
            faults.Add(new(StatusCause.Invalid, "Invalid value: orphanDependents and deletionPropagation cannot be both set", "propagationPolicy"));
        if (faults.Count > 0) return (null, FailureStatus.InvalidOptions("DeleteOptions", faults));
        var conditions = found.Object["preconditions"] as JsonObject;
        return (new DeleteOptions(dryRun.Count > 0, conditions?["uid"]?.ToString(), conditions?["resourceVersion"]?.ToString(), propagation), null);
    }

    /// <summary>A value of another type than its option cannot be decoded (400), in the body as in the query.</summary>
    private static FailureStatus? MalformedOf(IReadOnlyList<ObjectFault> faults, IQueryCollection query)
    {
        var causes = faults.Where(f => f.Kind == ObjectFaultKind.Type).Select(StatusCause.Of).ToList();
        if (query["gracePeriodSeconds"].ToString() is { Length: > 0 } seconds && !long.TryParse(seconds, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _))
            causes.Add(new(StatusCause.WrongType, "Invalid value: must be a whole number", "gracePeriodSeconds"));
        if (query["orphanDependents"].ToString() is not ("" or "true" or "false" or "1" or "0"))
            causes.Add(new(StatusCause.WrongType, "Invalid value: must be true or false", "orphanDependents"));
        return causes.Count == 0 ? null
            : FailureStatus.BadRequest($"DeleteOptions in version \"v1\" cannot be handled as a DeleteOptions: {string.Join(", ", causes.Select(c => $"{c.Field}: {c.Message}"))}", causes);
    }
}
