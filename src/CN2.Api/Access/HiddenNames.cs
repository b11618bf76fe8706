using System.Text.RegularExpressions;

namespace CN2.Api.Access;

/// <summary>
/// Takes out of the sentence of a refusal what names a thing of a namespace that the caller may not see, such as who holds an address that it asked for.
/// Sentences name things as <c>Kind namespace/name</c>, everywhere.
/// </summary>
public static partial class HiddenNames
{
    public static string Hide(string sentence, CallerRights? rights) => rights?.Visible is null || !sentence.Contains('/', StringComparison.Ordinal) ? sentence
        : Named().Replace(sentence, found => rights.In(found.Groups["ns"].Value) is null ? $"{(found.Groups["kind"].Value[0] is 'E' ? "an" : "a")} {found.Groups["kind"].Value} of another namespace" : found.Value);

    [GeneratedRegex("\\b(?<kind>Service|FloatingIP|ExternalNetwork|VirtualMachineInterface|ServiceHealthCheck|Pod|Subnet|VirtualNetwork|NetworkAttachmentDefinition) "
        + "(?<ns>[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)/[a-z0-9](?:[-.a-z0-9]*[a-z0-9])?")]
    private static partial Regex Named();
}
