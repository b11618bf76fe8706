using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Patches;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Tests.Kubernetes.Patches;

/// <summary>A small kind with every form that patches and apply tell apart.</summary>
internal static class Forms
{
    private static readonly Schema Text = new Schema.Text();

    private static Field F(string name, Schema schema, string? @default = null) => new(name, 0, schema, "") { Default = @default };

    private static readonly Schema.Structure Port = new(null, "", [F("name", Text), F("port", new Schema.Number()), F("protocol", Text, "\"TCP\""), F("targetPort", new Schema.NumberOrText())]);

    private static readonly Schema.Structure Metadata = new(null, "",
    [
        F("name", Text), F("namespace", Text), F("uid", Text), F("resourceVersion", Text), F("labels", new Schema.Map(Text)), F("annotations", new Schema.Map(Text)),
        F("finalizers", new Schema.List(Text, ListKind.Set)), F("managedFields", new Schema.List(new Schema.Free())),
    ]);

    private static readonly Schema.Structure Spec = new(null, "",
    [
        F("type", Text), F("externalIP", Text), F("sources", new Schema.List(Text)), F("selector", new Schema.Map(Text, IsAtomic: true)), F("extra", new Schema.Free()),
        F("ports", new Schema.List(Port, ListKind.Map, "port", "protocol") { MergeKey = "port" }),
        F("strategy", new Schema.Structure(null, "", [F("type", Text), F("rolling", new Schema.Map(Text))])),
    ]);

    public static readonly Schema.Structure Service = new(null, "",
    [
        F("apiVersion", Text), F("kind", Text), F("metadata", Metadata), F("spec", Spec),
        F("status", new Schema.Structure(null, "", [F("ingress", new Schema.List(Text)), F("ready", new Schema.Flag())])),
    ]);

    public static readonly ResourceDefinition Definition = new("", "v1", "Service", "services", Service)
    {
        IsNative = true,
        Subresources = [new Subresource("status", "Service", "get", "patch", "update")],
    };

    public static JsonObject Tree(string json) => JsonNode.Parse(json.Replace('\'', '"'))!.AsObject();

    public static JsonNode Node(string json) => JsonNode.Parse(json.Replace('\'', '"'))!;

    public static JsonObject Done(PatchResult result) => Assert.IsType<PatchResult.Done>(result).Object;

    public static void AssertSame(JsonNode? expected, JsonNode? actual) =>
        Assert.True(JsonNode.DeepEquals(expected, actual), $"expected {expected?.ToJsonString()}\nactual   {actual?.ToJsonString()}");
}
