namespace CN2.Api.Access;

/// <summary>
/// What an endpoint is about, as its metadata. An endpoint that has neither this nor <see cref="OpenToAllAttribute"/> nor
/// <see cref="OpenToCallersAttribute"/> is refused to everybody.
/// </summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public class AccessTargetAttribute(AccessResource resource) : Attribute
{
    public AccessResource Resource => resource;

    /// <summary>By the method, and for GET by whether the path names one resource.</summary>
    public virtual AccessVerb VerbOf(HttpContext http) => http.Request.Method switch
    {
        "GET" when resource == AccessResource.Watch => AccessVerb.Watch,
        "GET" => http.GetRouteValue("name") is null ? AccessVerb.List : AccessVerb.Get,
        "POST" => AccessVerb.Create,
        "PUT" => AccessVerb.Update,
        "PATCH" => AccessVerb.Patch,
        "DELETE" => AccessVerb.Delete,
        _ => AccessVerb.Update, // answered 405 to those who may write
    };

    /// <summary>The namespace is in the body: whoever reads it asks again with <see cref="AccessRules"/>.</summary>
    public virtual bool IsNamespaceInBody(HttpContext http) => false;

    /// <summary>That of the path; a Namespace is its own. Null: the path names none.</summary>
    public virtual string? NamespaceOf(HttpContext http) => http.GetRouteValue(resource == AccessResource.Namespaces ? "name" : "ns") as string;
}
