using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Network.Status;
using FluentValidation;

namespace CN2.Api.Namespaces;

/// <summary>A Namespace contains resources. The namespaceSelector of an ExternalNetworkSelector selects by its labels.</summary>
public sealed record NamespaceRequest : ResourceRequest;

/// <summary>A Namespace in answers.</summary>
public sealed record NamespaceResource : ResourceBody
{
    /// <summary>Read-only.</summary>
    public required NamespaceStatus Status { get; init; }

    public override string Collection => "namespaces";
}

/// <summary>The state of a Namespace.</summary>
/// <param name="State">Always Success.</param>
/// <param name="Conditions">Metadata, when a stored label or annotation cannot be read; else empty.</param>
public sealed record NamespaceStatus(ResourceState State, IReadOnlyList<ConditionBody> Conditions);

public sealed class NamespaceRequestValidator : AbstractValidator<NamespaceRequest>
{
    public NamespaceRequestValidator() => this.AddResourceRules();
}
