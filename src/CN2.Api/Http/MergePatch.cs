using System.Text.Json;
using System.Text.Json.Nodes;
using CN2.Api.Json;

namespace CN2.Api.Http;

/// <summary>
/// A JSON merge patch (RFC 7396): members given replace, members that are null are removed (and so go back to their default),
/// objects merge, arrays are replaced whole.
/// </summary>
public sealed class MergePatch(JsonObject patch)
{
    public const string ContentType = "application/merge-patch+json";

    /// <summary>
    /// Applies the patch to the current resource in the form of a PUT, and reads the result with all checks of a PUT, but for the
    /// limits of members that the patch does not name (<see cref="ResourceRequest.IsAsStored"/>).
    /// Exactly one of the results is set.
    /// </summary>
    public (T? Request, ApiProblem? Refused) Apply<T>(T current, RequestValidation validation, HttpContext http) where T : ResourceRequest
    {
        var target = JsonSerializer.SerializeToNode(current, ApiJson.Options)!.AsObject();
        Merge(target, patch);
        var faults = new FaultList();
        RequestJson.CheckRemovals(patch, typeof(T), faults);
        var value = RequestJson.Read(JsonSerializer.SerializeToUtf8Bytes<JsonNode>(target, ApiJson.Options), typeof(T), faults, out var malformed) as T;
        if (malformed is not null) return (null, malformed);
        if (value is not null)
        {
            value.Patched = patch.Select(m => m.Key).ToHashSet(StringComparer.Ordinal);
            validation.Check(value, http, faults);
        }

        return faults.Count > 0 || value is null ? (null, ApiProblem.Validation(faults)) : (value, null);
    }

    /// <summary>True when the patch removes a top-level member. For write-only members, which are absent from the resource that is patched.</summary>
    public bool Removes(string member) => patch.TryGetPropertyValue(member, out var value) && value is null;

    internal static void Merge(JsonObject target, JsonObject patch)
    {
        foreach (var (name, value) in patch)
        {
            if (value is null)
            {
                target.Remove(name);
            }
            else if (value is JsonObject inner)
            {
                if (target[name] is not JsonObject existing)
                {
                    existing = [];
                    target[name] = existing;
                }

                Merge(existing, inner);
            }
            else
            {
                target[name] = value.DeepClone();
            }
        }
    }
}
