using System.Text;
using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Kubernetes.Wire;

namespace CN2.Api.Tests.Kubernetes.Kinds;

/// <summary>The manifests of CN2's document, unchanged (tests/manifests).</summary>
internal static class Manifests
{
    public static IEnumerable<string> Files => Directory.GetFiles(Repository.PathOf("tests", "manifests"), "*.yaml").Select(Path.GetFileName).Order(StringComparer.Ordinal)!;

    /// <summary>The documents of a file as kubectl cuts it: at lines of three dashes.</summary>
    public static string[] Documents(string file) => File.ReadAllText(Repository.PathOf("tests", "manifests", file)).Split("\n---\n");

    public static BodyResult Read(string yaml) => BodyReader.Read(BodyReader.Yaml, Encoding.UTF8.GetBytes(yaml), null);

    /// <summary>A document, as it was written and after the check of its form.</summary>
    public static (JsonObject Written, JsonObject Checked, ResourceDefinition Definition) Object(string yaml)
    {
        var read = Assert.IsType<BodyResult.Read>(Read(yaml));
        var definition = KubernetesResources.FindKind(read.Object["apiVersion"]!.ToString(), read.Object["kind"]!.ToString())!;
        var check = ObjectCheck.Check(read.Object, definition.Schema);
        Assert.Empty(check.Unknown);
        Assert.Empty(check.Faults);
        return (read.Object, check.Object, definition);
    }

    /// <summary>Every member of <paramref name="part"/> is in <paramref name="whole"/> with the same value; lists as a whole.</summary>
    public static void AssertContains(JsonNode? whole, JsonNode? part, string path = "")
    {
        if (part is JsonObject members)
        {
            Assert.True(whole is JsonObject, $"{path} is {whole?.ToJsonString() ?? "absent"}");
            foreach (var (name, value) in members) AssertContains(whole![name], value, $"{path}.{name}");
        }
        else if (part is JsonArray items && items.Any(i => i is JsonObject))
        {
            Assert.True(whole is JsonArray { } other && other.Count == items.Count, $"{path} is {whole?.ToJsonString() ?? "absent"}");
            for (var i = 0; i < items.Count; i++) AssertContains(whole![i], items[i], $"{path}[{i}]");
        }
        else
        {
            Assert.True(JsonNode.DeepEquals(whole, part), $"{path} is {whole?.ToJsonString() ?? "absent"}, not {part?.ToJsonString()}");
        }
    }
}
