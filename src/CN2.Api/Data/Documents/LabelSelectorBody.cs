using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using CN2.Api.Json;
using CN2.Network.Resources;
using CN2.Network.Selection;

namespace CN2.Api.Data.Documents;

/// <summary>A selector as in Kubernetes; all its requirements must be met.</summary>
public sealed record LabelSelectorBody
{
    /// <summary>Labels that must have these values; with matchExpressions at most 32.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [AtMost(Limits.SelectorRequirements)]
    public Dictionary<string, string>? MatchLabels { get; set; }

    /// <summary>More requirements.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [AtMost(Limits.SelectorRequirements)]
    public List<LabelExpressionBody>? MatchExpressions { get; set; }

    /// <summary>As a selector; null: it has faults.</summary>
    public LabelSelector? ToSelector() => Make().Selector;

    /// <summary>Everything that is wrong with it, by the member; "" for the selector as a whole.</summary>
    public IEnumerable<SelectorFault> Faults()
    {
        if ((MatchLabels?.Count ?? 0) + (MatchExpressions?.Count ?? 0) > Limits.SelectorRequirements)
            yield return new SelectorFault("", $"must have at most {Limits.SelectorRequirements} requirements, matchLabels and matchExpressions together");
        foreach (var fault in Make().Faults) yield return fault;
    }

    private (LabelSelector? Selector, IReadOnlyList<SelectorFault> Faults) Make() =>
        LabelSelector.Make(MatchLabels, MatchExpressions?.ConvertAll(e => new LabelExpression(e.Key, e.Operator?.ToString(), e.Values)));
}

/// <summary>One requirement of a <see cref="LabelSelectorBody"/>.</summary>
public sealed record LabelExpressionBody
{
    /// <summary>The key of the label.</summary>
    [Required]
    [AtMost(Limits.Reference)]
    public string? Key { get; set; }

    /// <summary>How the label is compared.</summary>
    [Required]
    public LabelOperator? Operator { get; set; }

    /// <summary>The values for In and NotIn.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [AtMost(Limits.SelectorValues)]
    public List<string>? Values { get; set; }
}
