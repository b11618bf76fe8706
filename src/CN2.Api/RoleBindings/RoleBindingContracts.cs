using System.ComponentModel.DataAnnotations;
using CN2.Api.Access;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Network.Resources;
using CN2.Network.Status;

namespace CN2.Api.RoleBindings;

/// <summary>A RoleBinding gives a role to users, groups and API tokens, in some namespaces or in all.</summary>
public sealed record RoleBindingRequest : ResourceRequest
{
    /// <summary>Who gets the role; absent or empty: nobody.</summary>
    [AtMost(Limits.Subjects)]
    public List<SubjectBody>? Subjects { get; set; }

    /// <summary>viewer, editor, operator or admin; each may do what the one before it may.</summary>
    [Required]
    [AtMost(Limits.Reference)]
    public string? Role { get; set; }

    /// <summary>The names of namespaces, or `["*"]` for all. operator and admin are roles of all namespaces.</summary>
    [Required]
    [AtMost(Limits.BindingNamespaces)]
    public List<string>? Namespaces { get; set; }
}

/// <summary>Who gets a role.</summary>
public sealed record SubjectBody
{
    /// <summary>User: the name of its identity provider or client certificate; Group: one of those of a user; Token: an API token of this server.</summary>
    [Required]
    public SubjectKind? Kind { get; set; }

    /// <summary>The exact name of the subject.</summary>
    [Required]
    [AtMost(Limits.Reference)]
    public string? Name { get; set; }
}

/// <summary>A RoleBinding in answers.</summary>
public sealed record RoleBindingResource : ResourceBody
{
    /// <summary>Who has the role.</summary>
    public required IReadOnlyList<SubjectBody> Subjects { get; init; }

    /// <summary>viewer, editor, operator or admin.</summary>
    public required string Role { get; init; }

    /// <summary>The names of namespaces, or `*` for all.</summary>
    public required IReadOnlyList<string> Namespaces { get; init; }

    /// <summary>Read-only.</summary>
    public required RoleBindingStatus Status { get; init; }

    public override string Collection => "role-bindings";
}

/// <summary>The state of a RoleBinding. It counts on every control node within a second.</summary>
/// <param name="State">Always Success.</param>
/// <param name="Conditions">Metadata, when a stored label or annotation cannot be read; else empty.</param>
public sealed record RoleBindingStatus(ResourceState State, IReadOnlyList<ConditionBody> Conditions);
