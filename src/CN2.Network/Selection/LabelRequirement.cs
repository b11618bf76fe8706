using CN2.Network.Collections;

namespace CN2.Network.Selection;

/// <summary>One requirement; <paramref name="Values"/> is sorted, distinct, and empty for Exists and DoesNotExist.</summary>
public sealed record LabelRequirement(string Key, LabelOperator Operator, EquatableList<string> Values)
{
    /// <summary>As in Kubernetes, NotIn and DoesNotExist hold when the key is absent.</summary>
    public bool Matches(IReadOnlyDictionary<string, string> labels)
    {
        var present = labels.TryGetValue(Key, out var value);
        return Operator switch
        {
            LabelOperator.In => present && Has(value!),
            LabelOperator.NotIn => !present || !Has(value!),
            LabelOperator.Exists => present,
            _ => !present,
        };
    }

    /// <summary>The values are sorted, so few of them are looked at.</summary>
    private bool Has(string value) => Values.AsSpan().BinarySearch(value, StringComparer.Ordinal) >= 0;

    /// <summary>In the grammar of <see cref="LabelSelector.TryParse"/>.</summary>
    public override string ToString() => Operator switch
    {
        LabelOperator.In when Values.Count == 1 => $"{Key}={Values[0]}",
        LabelOperator.In => $"{Key} in ({string.Join(',', Values)})",
        LabelOperator.NotIn when Values.Count == 1 => $"{Key}!={Values[0]}",
        LabelOperator.NotIn => $"{Key} notin ({string.Join(',', Values)})",
        LabelOperator.Exists => Key,
        _ => $"!{Key}",
    };
}
