using System.Text;
using System.Text.Json.Nodes;
using CN2.Network.Resources;

namespace CN2.Api.Kubernetes.Lists;

/// <summary>
/// A field selector as clients send it: <c>field=value</c>, <c>field==value</c> and <c>field!=value</c> joined by commas; all must hold. A comma, an
/// equals sign or a backslash in a value has a backslash before it. A field that an object has not has the empty value.
/// </summary>
/// <param name="Requirements">All of them must hold; none: everything matches.</param>
internal sealed record FieldSelector(IReadOnlyList<FieldSelector.Requirement> Requirements)
{
    public static FieldSelector Everything { get; } = new([]);

    /// <param name="Path">Such as <c>status.phase</c>.</param>
    /// <param name="Value">What it must be.</param>
    /// <param name="IsNot">What it must not be.</param>
    public sealed record Requirement(string Path, string Value, bool IsNot);

    public bool Matches(JsonObject source)
    {
        foreach (var requirement in Requirements)
        {
            if (SelectableFields.ValueOf(source, requirement.Path) == requirement.Value == requirement.IsNot) return false;
        }

        return true;
    }

    /// <summary>The value that this field must have; null: none is asked for.</summary>
    public string? ValueOf(string path) => Requirements.FirstOrDefault(r => r.Path == path && !r.IsNot)?.Value;

    /// <summary>Null with a sentence: the text is no selector, or names a field that objects of the kind cannot be selected by.</summary>
    /// <param name="text">The query parameter <c>fieldSelector</c>.</param>
    /// <param name="fields">By which objects of the kind can be selected.</param>
    public static (FieldSelector? Selector, string? Fault) Parse(string? text, IReadOnlyCollection<string> fields)
    {
        if (string.IsNullOrEmpty(text)) return (Everything, null);
        var requirements = new List<Requirement>();
        foreach (var term in Split(text))
        {
            if (term.Length == 0) continue;
            var at = OperatorOf(term);
            if (at < 0) return (null, $"invalid selector: '{text}'; can't understand '{term}'");
            var isNot = term[at] == '!';
            var value = term[(at + (isNot || term.AsSpan(at + 1).StartsWith("=") ? 2 : 1))..];
            var path = term[..at].Trim();
            if (!fields.Contains(path)) return (null, $"field label not supported: {path}");
            if (Unescape(value) is not { } plain) return (null, $"invalid selector: '{text}'; can't understand '{term}'");
            if (requirements.Count == Limits.SelectorRequirements) return (null, $"invalid selector: at most {Limits.SelectorRequirements} requirements are allowed");
            requirements.Add(new Requirement(path, plain, isNot));
        }

        return (new FieldSelector(requirements), null);
    }

    /// <summary>Terms between commas that have no backslash before them.</summary>
    private static IEnumerable<string> Split(string text)
    {
        var start = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\') i++;
            else if (text[i] == ',')
            {
                yield return text[start..i];
                start = i + 1;
            }
        }

        yield return text[start..];
    }

    /// <summary>Where <c>=</c> or <c>!=</c> begins; negative: nowhere.</summary>
    private static int OperatorOf(string term)
    {
        for (var i = 0; i < term.Length; i++)
        {
            if (term[i] == '\\') i++;
            else if (term[i] == '=' || (term[i] == '!' && i + 1 < term.Length && term[i + 1] == '=')) return i;
        }

        return -1;
    }

    private static string? Unescape(string value)
    {
        var plain = new StringBuilder(value.Length);
        for (var i = 0; i < value.Length; i++)
        {
            if (value[i] == '=') return null;
            if (value[i] == '\\' && (++i == value.Length || value[i] is not ('\\' or ',' or '='))) return null;
            plain.Append(value[i]);
        }

        return plain.ToString();
    }
}
