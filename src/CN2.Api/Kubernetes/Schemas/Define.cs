namespace CN2.Api.Kubernetes.Schemas;

/// <summary>Short words to write definitions with. A number of 0: the kind has no protobuf form.</summary>
internal static class Define
{
    private static readonly Schema AnyText = new Schema.Text();

    public static Field Text(int number, string name, string description, params IReadOnlyList<string> values) =>
        new(name, number, values.Count == 0 ? AnyText : new Schema.Text(values), description);

    public static Field Number(int number, string name, string description) => new(name, number, new Schema.Number(), description);

    public static Field Long(int number, string name, string description) => new(name, number, new Schema.Number(IsLong: true), description);

    public static Field Flag(int number, string name, string description) => new(name, number, new Schema.Flag(), description);

    public static Field Time(int number, string name, string description) => new(name, number, new Schema.Time(), description);

    public static Field MicroTime(int number, string name, string description) => new(name, number, new Schema.Time(HasMicroseconds: true), description);

    public static Field NumberOrText(int number, string name, string description) => new(name, number, new Schema.NumberOrText(), description);

    public static Field Quantity(int number, string name, string description) => new(name, number, new Schema.Quantity(), description);

    public static Field Free(int number, string name, string description) => new(name, number, new Schema.Free(), description);

    public static Field Texts(int number, string name, string description) => new(name, number, new Schema.List(AnyText), description);

    /// <summary>Texts of which each is there once; a strategic merge patch adds to them.</summary>
    public static Field TextSet(int number, string name, string description) => new(name, number, new Schema.List(AnyText, ListKind.Set), description);

    public static Field TextMap(int number, string name, string description, bool isAtomic = false) => new(name, number, new Schema.Map(AnyText, isAtomic), description);

    public static Field Amounts(int number, string name, string description) => new(name, number, new Schema.Map(new Schema.Quantity()), description);

    public static Field Of(int number, string name, Schema schema, string description) => new(name, number, schema, description);

    public static Field List(int number, string name, Schema item, string description) => new(name, number, new Schema.List(item), description);

    /// <summary>A list whose items are identified by members; a strategic merge patch knows the first of them.</summary>
    public static Field ListBy(int number, string name, Schema item, string description, params IReadOnlyList<string> keys) =>
        new(name, number, new Schema.List(item, ListKind.Map, keys) { MergeKey = keys[0] }, description);

    public static Field Required(this Field field) => field with { IsRequired = true };

    /// <param name="json">The default, as JSON.</param>
    public static Field DefaultsTo(this Field field, string json) => field with { Default = json };

    public static Field Secret(this Field field) => field with { IsSecret = true };

    public static Field Nullable(this Field field) => field with { HasPresence = true };

    public static Field Retaining(this Field field) => field with { RetainsKeys = true };

    /// <summary>The members of an embedded message of protobuf, which in JSON are members of the structure around it.</summary>
    public static IEnumerable<Field> Embedded(int number, params IEnumerable<Field> fields) => fields.Select(f => f with { EmbeddedIn = number });

    public static Schema.Structure Structure(string name, string description, params IReadOnlyList<Field> fields) => new(name, description, fields);

    /// <summary>Server-side apply owns it as a whole.</summary>
    public static Schema.Structure Atomic(this Schema.Structure structure) => structure with { IsAtomic = true };

    /// <summary>A whole object: apiVersion, kind, metadata, and its own members.</summary>
    public static Schema.Structure Object(string name, string description, params IReadOnlyList<Field> fields) => new(name, description,
    [
        Text(0, "apiVersion", "The group and version of the object's form."),
        Text(0, "kind", "The kind of the object."),
        Of(1, "metadata", MetaSchemas.ObjectMeta, "Name, namespace, labels and what the server keeps about the object."),
        .. fields,
    ]);
}
