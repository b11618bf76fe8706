using System.Diagnostics.CodeAnalysis;
using CN2.Network.Collections;
using CN2.Network.Resources;

namespace CN2.Network.Selection;

/// <summary>
/// A Kubernetes label selector. All requirements must hold, so a selector without requirements matches everything. An absent selector (null)
/// matches nothing; see <see cref="Matches(LabelSelector?, IReadOnlyDictionary{string, string})"/>.
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

    /// <summary>Makes a selector of matchLabels and matchExpressions. The selector is null when there are faults; all of them are listed.</summary>
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
    /// <c>a notin (x,y)</c>, <c>a</c> or <c>!a</c>; blanks are allowed between words. The empty text matches everything.
    /// More than <see cref="Limits.SelectorRequirements"/> requirements or <see cref="Limits.SelectorValues"/> values of one are refused.
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
