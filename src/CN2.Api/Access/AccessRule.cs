namespace CN2.Api.Access;

/// <summary>The least role that may do something with a resource.</summary>
/// <param name="Scope">Where the role must be held.</param>
/// <param name="Read">To read it.</param>
/// <param name="Write">To change it; null: nobody can.</param>
public sealed record AccessRule(AccessScope Scope, Role Read, Role? Write);
