using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Network.Status;
using FluentValidation;

namespace CN2.Api.Namespaces;

/// <summary>A place for resources; its labels are what an ExternalNetworkSelector's namespaceSelector looks at.</summary>
public sealed record NamespaceRequest : ResourceRequest;

/// <summary>A Namespace as it is answered.</summary>
public sealed record NamespaceResource : ResourceBody
{
    /// <summary>Read-only.</summary>
    public required NamespaceStatus Status { get; init; }

    public override string Collection => "namespaces";
}

/// <summary>There is nothing to wait for: a Namespace is a name.</summary>
/// <param name="State">Always Success.</param>
/// <param name="Conditions">None so far.</param>
public sealed record NamespaceStatus(ResourceState State, IReadOnlyList<ConditionBody> Conditions);

public sealed class NamespaceRequestValidator : AbstractValidator<NamespaceRequest>
{
    public NamespaceRequestValidator() => this.AddResourceRules();
}
