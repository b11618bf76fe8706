using System.Text.Json;
using CN2.Network.Selection;

namespace CN2.Api.Writes;

/// <summary>
/// A label selector as one predicate of PostgreSQL's SQL/JSON path language. As a text it is one parameter of one statement: a tree of
/// expressions, one node for each requirement and value, once ended the process, and every shape of tree was compiled anew.
/// </summary>
internal static class LabelPath
{
    /// <summary>Such as <c>exists($."a" ? (@ == "b")) &amp;&amp; !(exists($."c"))</c>; null when the selector matches everything.</summary>
    public static string? Of(LabelSelector? selector) => selector is { Requirements.Count: > 0 } ? string.Join(" && ", selector.Requirements.Select(Predicate)) : null;

    /// <summary>As in Kubernetes, NotIn and DoesNotExist also match labels without the key: a path without a value is equal to nothing.</summary>
    private static string Predicate(LabelRequirement requirement)
    {
        var member = $"$.{Quoted(requirement.Key)}";
        return requirement.Operator switch
        {
            LabelOperator.Exists => $"exists({member})",
            LabelOperator.DoesNotExist => $"!(exists({member}))",
            LabelOperator.In => AnyOf(member, requirement),
            LabelOperator.NotIn => $"!({AnyOf(member, requirement)})",
            _ => throw new InvalidOperationException($"Unknown operator {requirement.Operator}"),
        };
    }

    /// <summary>The filter reads the label once, whatever the number of values.</summary>
    private static string AnyOf(string member, LabelRequirement requirement) =>
        $"exists({member} ? ({string.Join(" || ", requirement.Values.Select(v => $"@ == {Quoted(v)}"))}))";

    /// <summary>A text of SQL/JSON path is quoted as in JSON.</summary>
    private static string Quoted(string text) => JsonSerializer.Serialize(text);
}
