namespace CN2.Api.Kubernetes.Schemas;

/// <summary>A member of a structure.</summary>
/// <param name="Name">As in JSON.</param>
/// <param name="Number">Its number in protobuf; 0: the kind has no protobuf form.</param>
/// <param name="Schema">Its form.</param>
/// <param name="Description">One sentence for <c>kubectl explain</c>, in our words.</param>
public sealed record Field(string Name, int Number, Schema Schema, string Description)
{
    /// <summary>An object without it is refused.</summary>
    public bool IsRequired { get; init; }

    /// <summary>Filled in before the object is stored, as JSON; null: nothing is.</summary>
    public string? Default { get; init; }

    /// <summary>In protobuf, absent and zero (or false) are different values; false: zero stands for absent.</summary>
    public bool HasPresence { get; init; }

    /// <summary>In protobuf it is a member of an embedded message of this number, which JSON does not have; 0: it is not.</summary>
    public int EmbeddedIn { get; init; }

    /// <summary>What is in it is shown in no sentence: it is, or may be, a secret.</summary>
    public bool IsSecret { get; init; }

    /// <summary>A strategic merge patch keeps only the members it names of a union (<c>retainKeys</c>).</summary>
    public bool RetainsKeys { get; init; }
}
