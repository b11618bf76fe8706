using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Kubernetes.Statuses;
using CN2.Api.Kubernetes.Wire;

namespace CN2.Api.Kubernetes.Requests;

/// <summary>How an object is to be deleted: of the body, or of the query. Objects here own no others, so every propagationPolicy comes to the same.</summary>
/// <param name="IsDryRun">Nothing is deleted.</param>
/// <param name="Uid">The object has this uid, else 409.</param>
/// <param name="ResourceVersion">The object has this version, else 409.</param>
internal sealed record DeleteOptions(bool IsDryRun, string? Uid, string? ResourceVersion)
{
    private static readonly string[] Policies = ["Orphan", "Background", "Foreground"];

    /// <summary>Exactly one of the results is set.</summary>
    public static async Task<(DeleteOptions? Options, FailureStatus? Refused)> ReadAsync(HttpContext http)
    {
        var (bytes, tooLarge) = await RequestObject.BytesAsync(http);
        if (tooLarge is not null) return (null, tooLarge);
        var given = new JsonObject();
        if (!bytes.IsEmpty)
        {
            switch (BodyReader.Read(http.Request.ContentType, bytes, MetaSchemas.DeleteOptions))
            {
                case BodyResult.Refused { Status: 415 }: return (null, FailureStatus.UnsupportedMediaType(BodyReader.Json, BodyReader.Yaml, BodyReader.Protobuf));
                case BodyResult.Refused refused: return (null, FailureStatus.BadRequest(refused.Message));
                case BodyResult.Read read: given = read.Object; break;
            }
        }

        var found = ObjectCheck.Check(given, MetaSchemas.DeleteOptions);
        var faults = found.Faults.Select(StatusCause.Of).ToList();
        var query = http.Request.Query;
        var dryRun = ((found.Object["dryRun"] as JsonArray)?.Select(v => v!.ToString()) ?? []).Concat(query["dryRun"].Select(v => v ?? "")).ToList();
        if (dryRun.Exists(v => v != "All")) faults.Add(new(StatusCause.NotSupported, $"Unsupported value: \"{dryRun.First(v => v != "All")}\": supported values: \"All\"", "dryRun"));
        if (query["propagationPolicy"].ToString() is { Length: > 0 } policy && !Policies.Contains(policy))
            faults.Add(new(StatusCause.NotSupported, $"Unsupported value: \"{policy}\": supported values: \"Orphan\", \"Background\", \"Foreground\"", "propagationPolicy"));
        if (found.Object["propagationPolicy"] is not null && found.Object["orphanDependents"] is not null)
            faults.Add(new(StatusCause.Invalid, "Invalid value: orphanDependents and deletionPropagation cannot be both set", "propagationPolicy"));
        if (faults.Count > 0)
            return (null, new FailureStatus(422, StatusReason.Invalid, $"DeleteOptions.meta.k8s.io \"\" is invalid: {string.Join(", ", faults.Select(f => $"{f.Field}: {f.Message}"))}") { Causes = faults });
        var conditions = found.Object["preconditions"] as JsonObject;
        return (new DeleteOptions(dryRun.Count > 0, conditions?["uid"]?.ToString(), conditions?["resourceVersion"]?.ToString()), null);
    }
}
