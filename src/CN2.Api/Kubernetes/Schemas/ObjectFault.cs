namespace CN2.Api.Kubernetes.Schemas;

/// <summary>What can be wrong with a value (the reasons of a Status cause).</summary>
public enum ObjectFaultKind
{
    /// <summary>It has another type. Native kinds: the body cannot be decoded (400). Custom resources: 422, FieldValueTypeInvalid.</summary>
    Type,

    /// <summary>It is absent and must be there: 422, FieldValueRequired.</summary>
    Required,

    /// <summary>It is none of the values that are allowed: 422, FieldValueNotSupported.</summary>
    NotSupported,

    /// <summary>It has the right type, but no meaning: 422, FieldValueInvalid.</summary>
    Invalid,
}

/// <summary>One thing that is wrong with an object.</summary>
/// <param name="Kind">What kind of fault.</param>
/// <param name="Path">The field, such as <c>spec.ports[0].port</c>.</param>
/// <param name="Message">A sentence, as Kubernetes words it.</param>
public sealed record ObjectFault(ObjectFaultKind Kind, string Path, string Message);
