using System.Text.Json.Nodes;
using CN2.Api.Http;

namespace CN2.Api.Kubernetes.Patches;

/// <summary>A JSON merge patch (RFC 7386) of a whole object.</summary>
public static class JsonMergePatch
{
    /// <summary>The object with the patch merged in. Neither argument is changed.</summary>
    public static PatchResult Apply(JsonObject current, JsonNode? patch)
    {
        if (patch is not JsonObject members) return PatchResult.Malformed("the merge patch must be an object");
        if (JsonForm.FaultOf(patch) is { } fault) return PatchResult.Malformed($"the merge patch {fault}");
        var merged = current.DeepClone().AsObject();
        MergePatch.Merge(merged, members);
        return new PatchResult.Done(merged);
    }
}
