using System.Text.Json;
using System.Text.Json.Nodes;
using CN2.Network.Selection;

namespace CN2.Api.Kubernetes.Lists;

/// <summary>Which objects of a collection a client asked for.</summary>
internal sealed record ObjectSelector(LabelSelector Labels, FieldSelector Fields)
{
    public static ObjectSelector Everything { get; } = new(LabelSelector.Everything, FieldSelector.Everything);

    public bool IsEverything => Labels.Requirements.Count == 0 && Fields.Requirements.Count == 0;

    public bool Matches(JsonObject source) => IsEverything || (Fields.Matches(source) && (Labels.Requirements.Count == 0 || Labels.Matches(LabelsOf(source))));

    private static Dictionary<string, string> LabelsOf(JsonObject source)
    {
        var labels = new Dictionary<string, string>();
        foreach (var (key, value) in source["metadata"]?["labels"] as JsonObject ?? [])
        {
            if (value?.GetValueKind() == JsonValueKind.String) labels[key] = value.GetValue<string>();
        }

        return labels;
    }
}
