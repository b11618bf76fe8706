namespace CN2.Api.Kubernetes.Schemas;

/// <summary>
/// The form of a value in the Kubernetes API. Everything that must know it reads it here: field validation, the OpenAPI documents, protobuf
/// bodies, strategic merge patches and server-side apply. A closed set.
/// </summary>
public abstract record Schema
{
    private Schema()
    {
    }

    /// <summary>A string.</summary>
    /// <param name="Values">The only ones allowed; null: any.</param>
    public sealed record Text(IReadOnlyList<string>? Values = null) : Schema;

    /// <summary>A time as RFC 3339. In protobuf a message of seconds (1) and nanoseconds (2).</summary>
    /// <param name="HasMicroseconds">metav1.MicroTime; false: metav1.Time, whole seconds.</param>
    public sealed record Time(bool HasMicroseconds = false) : Schema;

    /// <summary>A whole number.</summary>
    /// <param name="IsLong">64 bits; false: 32.</param>
    public sealed record Number(bool IsLong = false) : Schema;

    /// <summary>true or false.</summary>
    public sealed record Flag : Schema;

    /// <summary>A whole number of 32 bits, or a string (intstr.IntOrString). In protobuf a message of type (1), number (2) and string (3).</summary>
    public sealed record NumberOrText : Schema;

    /// <summary>An amount such as <c>100m</c> (resource.Quantity); a number is accepted. In protobuf a message with the string (1).</summary>
    public sealed record Quantity : Schema;

    /// <summary>Any JSON. What is below it is kept and never judged.</summary>
    public sealed record Free : Schema;

    /// <summary>An object whose members are not named here. In protobuf a repeated message of key (1) and value (2).</summary>
    /// <param name="Value">The form of each member.</param>
    /// <param name="IsAtomic">Server-side apply owns it as a whole.</param>
    public sealed record Map(Schema Value, bool IsAtomic = false) : Schema;

    /// <summary>A list.</summary>
    /// <param name="Item">The form of each item.</param>
    /// <param name="Kind">What makes two items the same one for server-side apply.</param>
    /// <param name="Keys">Of <see cref="ListKind.Map"/>: the members that together identify an item.</param>
    public sealed record List(Schema Item, ListKind Kind = ListKind.Atomic, params IReadOnlyList<string> Keys) : Schema
    {
        /// <summary>The one member by which a strategic merge patch identifies items (patchMergeKey); null: it replaces the list, or adds to it where <see cref="Kind"/> is Set.</summary>
        public string? MergeKey { get; init; }
    }

    /// <summary>An object with known members.</summary>
    /// <param name="Name">The name of its OpenAPI definition, such as <c>io.k8s.api.core.v1.ServicePort</c>; null: it is written where it is used.</param>
    /// <param name="Description">One sentence for <c>kubectl explain</c>.</param>
    /// <param name="Fields">Its members, in the order of the documents.</param>
    public sealed record Structure(string? Name, string Description, IReadOnlyList<Field> Fields) : Schema
    {
        private readonly Dictionary<string, Field> _fields = Fields.ToDictionary(f => f.Name, StringComparer.Ordinal);

        /// <summary>Server-side apply owns it as a whole.</summary>
        public bool IsAtomic { get; init; }

        /// <summary>Members that are not named here are kept, and are no fault.</summary>
        public bool KeepsUnknown { get; init; }

        public Field? Find(string name) => _fields.GetValueOrDefault(name);

        /// <summary>By name, since two structures of one name are one.</summary>
        public bool Equals(Structure? other) => ReferenceEquals(this, other);

        public override int GetHashCode() => Name?.GetHashCode(StringComparison.Ordinal) ?? 0;
    }
}
