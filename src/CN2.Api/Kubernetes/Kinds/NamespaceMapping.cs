using System.Text.Json.Nodes;
using CN2.Api.Http;

namespace CN2.Api.Kubernetes.Kinds;

/// <summary><c>v1</c> Namespace. Its label <c>kubernetes.io/metadata.name</c> is always its name, as in Kubernetes.</summary>
internal sealed class NamespaceMapping : ObjectMapping
{
    private const string NameLabel = "kubernetes.io/metadata.name";

    public override IReadOnlyList<string> Meant => ["status.phase"];

    protected override void Fill(JsonObject resource, JsonObject target)
    {
        var metadata = (JsonObject)target["metadata"]!;
        if (metadata["labels"] is not JsonObject labels) metadata["labels"] = labels = [];
        labels[NameLabel] = resource["name"]!.DeepClone();
        target["spec"] = new JsonObject { ["finalizers"] = new JsonArray("kubernetes") };
        target["status"] = new JsonObject { ["phase"] = metadata.ContainsKey("deletionTimestamp") ? "Terminating" : "Active" };
    }

    protected override void Read(JsonObject source, JsonObject request, FaultList faults) => (request["labels"] as JsonObject)?.Remove(NameLabel);
}
