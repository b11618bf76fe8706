using System.Text.Json.Nodes;
using CN2.Api.Http;

namespace CN2.Api.Kubernetes.Kinds;

/// <summary>Of kinds whose objects are made when they are read, and never written: the resource has the object in <c>object</c>.</summary>
internal sealed class FinishedMapping : ObjectMapping
{
    public override IReadOnlyList<string> Meant { get; } = [];

    /// <summary>The resource of a finished object.</summary>
    public static JsonObject ResourceOf(JsonObject finished) => new() { ["object"] = finished };

    protected override void Fill(JsonObject resource, JsonObject target)
    {
        foreach (var (member, value) in (JsonObject)resource["object"]!) target[member] = value?.DeepClone();
    }

    protected override void Read(JsonObject source, JsonObject request, FaultList faults) => throw new InvalidOperationException("The kind is read-only.");
}
