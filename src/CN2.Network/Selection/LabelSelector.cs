using System.Diagnostics.CodeAnalysis;
using CN2.Network.Collections;

namespace CN2.Network.Selection;

/// <summary>Kubernetes' selector operators. <c>a=b</c> is In with one value, <c>a!=b</c> NotIn with one.</summary>
public enum LabelOperator
{
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

/// <summary>One requirement; <paramref name="Values"/> is sorted, distinct, and empty for Exists and DoesNotExist.</summary>
public sealed record LabelRequirement(string Key, LabelOperator Operator, EquatableList<string> Values)
{
    /// <summary>NotIn and DoesNotExist hold where the key is absent, as in Kubernetes.</summary>
    public bool Matches(IReadOnlyDictionary<string, string> labels)
    {
        var present = labels.TryGetValue(Key, out var value);
        return Operator switch
        {
            LabelOperator.In => present && Values.Contains(value!),
            LabelOperator.NotIn => !present || !Values.Contains(value!),
            LabelOperator.Exists => present,
            _ => !present,
        };
    }

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

/// <summary>A matchExpressions entry as the user wrote it.</summary>
public sealed record LabelExpression(string? Key, string? Operator, IReadOnlyList<string>? Values);

/// <summary>A fault of a selector; <paramref name="Member"/> is its place below it (<c>matchExpressions[0].operator</c>).</summary>
public sealed record SelectorFault(string Member, string Message);

/// <summary>
/// A Kubernetes label selector: all requirements must hold, so one without any matches everything. The absent selector (null) matches
/// nothing; see <see cref="Matches(LabelSelector?, IReadOnlyDictionary{string, string})"/>.
/// </summary>
public sealed record LabelSelector(EquatableList<LabelRequirement> Requirements)
{
    public static LabelSelector Everything { get; } = new([]);

    public bool Matches(IReadOnlyDictionary<string, string> labels)
    {
        foreach (var requirement in Requirements)
            if (!requirement.Matches(labels)) return false;
        return true;
    }

    public static bool Matches(LabelSelector? selector, IReadOnlyDictionary<string, string> labels) => selector?.Matches(labels) ?? false;

    /// <summary>From matchLabels and matchExpressions, or every fault at once: then the selector is null.</summary>
    public static (LabelSelector? Selector, IReadOnlyList<SelectorFault> Faults) Make(
        IReadOnlyDictionary<string, string>? matchLabels, IReadOnlyList<LabelExpression>? matchExpressions)
    {
        var faults = new List<SelectorFault>();
        var requirements = new List<LabelRequirement>();
        foreach (var (key, value) in (matchLabels ?? new Dictionary<string, string>()).OrderBy(p => p.Key, StringComparer.Ordinal))
        {
            var fault = NameSyntax.FaultOfLabelKey(key) ?? NameSyntax.FaultOfLabelValue(value);
            if (fault is null) requirements.Add(new LabelRequirement(key, LabelOperator.In, [value]));
            else faults.Add(new SelectorFault("matchLabels", fault));
        }

        for (var i = 0; i < (matchExpressions?.Count ?? 0); i++)
        {
            var at = $"matchExpressions[{i}]";
            var expression = matchExpressions![i];
            if (expression is null)
            {
                faults.Add(new SelectorFault(at, "An expression is missing."));
                continue;
            }

            if (NameSyntax.FaultOfLabelKey(expression.Key) is { } keyFault) faults.Add(new SelectorFault($"{at}.key", keyFault));
            LabelOperator? op = expression.Operator switch
            {
                "In" => LabelOperator.In,
                "NotIn" => LabelOperator.NotIn,
                "Exists" => LabelOperator.Exists,
                "DoesNotExist" => LabelOperator.DoesNotExist,
                _ => null,
            };
            if (op is null) faults.Add(new SelectorFault($"{at}.operator", "The operator must be In, NotIn, Exists or DoesNotExist."));

            var values = expression.Values ?? [];
            var takesValues = op is LabelOperator.In or LabelOperator.NotIn;
            if (takesValues && values.Count == 0) faults.Add(new SelectorFault($"{at}.values", $"{op} needs at least one value."));
            if (op is not null && !takesValues && values.Count > 0) faults.Add(new SelectorFault($"{at}.values", $"{op} takes no values."));
            for (var v = 0; v < values.Count; v++)
                if (NameSyntax.FaultOfLabelValue(values[v]) is { } valueFault) faults.Add(new SelectorFault($"{at}.values[{v}]", valueFault));
            if (faults.Count == 0) requirements.Add(new LabelRequirement(expression.Key!, op!.Value, Canonical(values)));
        }

        return faults.Count > 0 ? (null, faults) : (new LabelSelector(requirements.ToEquatableList()), []);
    }

    /// <summary>
    /// The query-string form: requirements joined by commas, each <c>a=b</c>, <c>a==b</c>, <c>a!=b</c>, <c>a in (x,y)</c>,
    /// <c>a notin (x,y)</c>, <c>a</c> or <c>!a</c>; blanks between words are free; the empty text matches everything.
    /// </summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out LabelSelector? selector, [NotNullWhen(false)] out string? error)
    {
        var parser = new LabelSelectorParser(text ?? "");
        selector = parser.Parse();
        error = selector is null ? parser.Error : null;
        return selector is not null;
    }

    public override string ToString() => string.Join(',', Requirements);

    internal static EquatableList<string> Canonical(IEnumerable<string> values) =>
        values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToEquatableList();
}
