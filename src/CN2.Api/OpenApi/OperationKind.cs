namespace CN2.Api.OpenApi;

/// <summary>What an operation does to its collection; parameters, description and answers follow from it.</summary>
public enum OperationKind
{
    List,
    Create,
    Batch,
    Read,
    Replace,
    Patch,
    Delete,
    Watch,

    /// <summary>A verb of one resource, with an answer of its own.</summary>
    Action,
}
