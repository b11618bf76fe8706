using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Kubernetes.Statuses;

/// <summary>One thing that is wrong with a request.</summary>
/// <param name="Reason">Such as <c>FieldValueInvalid</c>.</param>
/// <param name="Message">A sentence.</param>
/// <param name="Field">The field it is about, such as <c>spec.ports[0].port</c>; null: none.</param>
internal sealed record StatusCause(string Reason, string Message, string? Field)
{
    public const string Invalid = "FieldValueInvalid";
    public const string Required = "FieldValueRequired";
    public const string Duplicate = "FieldValueDuplicate";
    public const string NotSupported = "FieldValueNotSupported";
    public const string Forbidden = "FieldValueForbidden";
    public const string NotFound = "FieldValueNotFound";
    public const string TooLong = "FieldValueTooLong";
    public const string TooMany = "FieldValueTooMany";
    public const string WrongType = "FieldValueTypeInvalid";

    /// <summary>With which words Kubernetes begins the sentences of each reason.</summary>
    private static readonly (string Beginning, string Reason)[] Beginnings =
    [
        ("Invalid value", Invalid), ("Required value", Required), ("Duplicate value", Duplicate), ("Unsupported value", NotSupported), ("Forbidden", Forbidden), ("Not found", NotFound), ("Too long", TooLong), ("Too many", TooMany),
    ];

    public static StatusCause Of(ObjectFault fault) => new(fault.Kind switch
    {
        ObjectFaultKind.Required => Required,
        ObjectFaultKind.NotSupported => NotSupported,
        ObjectFaultKind.Type => WrongType,
        _ => Invalid,
    }, fault.Message, fault.Path);

    /// <summary>A fault that a validator of <c>/v1</c> or a binding found, in the words of Kubernetes and with the value that it is about.</summary>
    /// <param name="source">The object; null: it is not known.</param>
    /// <param name="path">Of the field.</param>
    /// <param name="message">As <c>/v1</c> says it (<c>is required</c>, <c>is given twice</c>, <c>must be one of …</c>), or as Kubernetes does.</param>
    public static StatusCause Of(JsonObject? source, string path, string message)
    {
        foreach (var (beginning, reason) in Beginnings)
        {
            if (message.StartsWith(beginning, StringComparison.Ordinal)) return new(reason, message, path);
        }

        const string IsRequired = "is required", MustBeOneOf = "must be one of ";
        var value = FieldValue.Of(source, path);
        var shown = value ?? "\"\"";
        if (message.StartsWith(IsRequired, StringComparison.Ordinal)) return new(Required, $"Required value{message[IsRequired.Length..]}", path);
        if (message.Contains("at least one", StringComparison.Ordinal) && !message.Contains("at least one of", StringComparison.Ordinal)) return new(Required, $"Required value: {message}", path);
        if (message.StartsWith("must be absent", StringComparison.Ordinal)) return new(Forbidden, $"Forbidden: {message}", path);
        if (message.Contains("twice", StringComparison.Ordinal) || message.EndsWith("is the name of another port", StringComparison.Ordinal)) return new(Duplicate, $"Duplicate value: {shown}", path);
        if (message.StartsWith(MustBeOneOf, StringComparison.Ordinal))
            return new(NotSupported, $"Unsupported value: {shown}: supported values: {string.Join(", ", message[MustBeOneOf.Length..].Split(", ").Select(v => $"\"{v}\""))}", path);
        return new(Invalid, value is null ? message : $"Invalid value: {value}: {message}", path);
    }
}
