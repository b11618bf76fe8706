using CN2.Network.Selection;

namespace CN2.Api.Http;

/// <summary>Checks label keys and values with one sentence for all faults; <see cref="NameSyntax"/> names each fault.</summary>
public static class LabelSyntax
{
    public const string KeyRule = "must be [DNS prefix/]name, the name at most 63 of letters, digits, '-', '_' and '.', beginning and ending with a letter or digit";
    public const string ValueRule = "must have a value of at most 63 letters, digits, '-', '_' and '.', beginning and ending with a letter or digit, or empty";

    public static bool IsKey(string key) => NameSyntax.FaultOfLabelKey(key) is null;

    public static bool IsValue(string? value) => NameSyntax.FaultOfLabelValue(value) is null;
}
