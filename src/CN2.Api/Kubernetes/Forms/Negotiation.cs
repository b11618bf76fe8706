using CN2.Api.Kubernetes.Wire;

namespace CN2.Api.Kubernetes.Forms;

/// <summary>Finds the form of an answer by the Accept header. Answers are JSON; a client that also takes protobuf falls back to it.</summary>
internal static class Negotiation
{
    private const string Group = "meta.k8s.io";

    /// <summary>What a client without a possible alternative is told (406 NotAcceptable).</summary>
    public const string Accepted = $"only the following media types are accepted: {BodyReader.Json}, {BodyReader.Json};as=Table;v=v1;g={Group}, "
        + $"{BodyReader.Json};as=PartialObjectMetadata;v=v1;g={Group}, {BodyReader.Json};as=PartialObjectMetadataList;v=v1;g={Group}";

    /// <summary>The form of the first alternative that is possible; null: none is.</summary>
    /// <param name="accept">The header; absent: anything.</param>
    /// <param name="include">The query parameter <c>includeObject</c>.</param>
    public static ObjectForm? FormOf(string? accept, RowObject include = RowObject.Metadata)
    {
        foreach (var clause in AcceptClause.Parse(accept))
        {
            if (clause.Takes(BodyReader.Json) && FormOf(clause, include) is { } form) return form;
        }

        return null;
    }

    /// <summary>What <c>includeObject</c> means; null: it is wrong (400).</summary>
    public static RowObject? IncludeOf(string? includeObject) => includeObject switch
    {
        null or "" or nameof(RowObject.Metadata) => RowObject.Metadata,
        nameof(RowObject.Object) => RowObject.Object,
        nameof(RowObject.None) => RowObject.None,
        _ => null,
    };

    private static ObjectForm? FormOf(AcceptClause clause, RowObject include)
    {
        if (clause.As is null) return new ObjectForm.Whole();
        if (clause is not { Group: Group, Version: "v1" or "v1beta1" }) return null;
        return clause.As switch
        {
            "Table" => new ObjectForm.Table(clause.Version, include),
            "PartialObjectMetadata" or "PartialObjectMetadataList" => new ObjectForm.Metadata(clause.Version),
            _ => null,
        };
    }
}
