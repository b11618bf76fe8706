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
    public const string NotSupported = "FieldValueNotSupported";
    public const string WrongType = "FieldValueTypeInvalid";

    public static StatusCause Of(ObjectFault fault) => new(fault.Kind switch
    {
        ObjectFaultKind.Required => Required,
        ObjectFaultKind.NotSupported => NotSupported,
        ObjectFaultKind.Type => WrongType,
        _ => Invalid,
    }, fault.Message, fault.Path);
}
