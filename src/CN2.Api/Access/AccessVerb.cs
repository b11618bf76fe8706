namespace CN2.Api.Access;

/// <summary>What a request does, in the words of Kubernetes, which both APIs use in refusals.</summary>
public enum AccessVerb
{
    Get,
    List,
    Watch,
    Create,

    /// <summary>Also creates what is not there: PUT.</summary>
    Update,
    Patch,
    Delete,
    DeleteCollection,
}
