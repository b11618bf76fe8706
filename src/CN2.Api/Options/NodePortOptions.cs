using System.ComponentModel.DataAnnotations;

namespace CN2.Api.Options;

/// <summary>Section <c>NodePorts</c>: the ports that Services get on every node, both ends included.</summary>
public sealed record NodePortOptions : IValidatableObject
{
    [WholeNumber(1, 65535)]
    public int From { get; init; } = 30000;

    [WholeNumber(1, 65535)]
    public int To { get; init; } = 32767;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (From > To) yield return new($"at least NodePorts__From ({From})", [nameof(To)]);
    }
}
