using System.ComponentModel.DataAnnotations;
using CN2.Api.Data.Documents;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Network.Status;
using FluentValidation;

namespace CN2.Api.ExternalNetworkSelectors;

/// <summary>Selects ExternalNetworks by their labels and by the labels of their namespaces (CN2: Kubemanager spec.externalNetworkSelectors).</summary>
public sealed record ExternalNetworkSelectorRequest : ResourceRequest
{
    /// <summary>Selects networks by their labels. Required; {} selects all networks.</summary>
    [Required]
    public LabelSelectorBody? NetworkSelector { get; set; }

    /// <summary>Selects the namespaces of the networks. {} selects all namespaces; when absent, only the Service's own namespace.</summary>
    public LabelSelectorBody? NamespaceSelector { get; set; }
}

/// <summary>An ExternalNetworkSelector in answers.</summary>
public sealed record ExternalNetworkSelectorResource : ResourceBody
{
    public required LabelSelectorBody NetworkSelector { get; init; }
    public LabelSelectorBody? NamespaceSelector { get; init; }
    /// <summary>Read-only.</summary>
    public required ExternalNetworkSelectorStatus Status { get; init; }

    public override string Collection => "external-network-selectors";
}

/// <summary>The state of a selector. The network that it selected for a Service is in that Service's status.</summary>
/// <param name="State">Always Success.</param>
/// <param name="Conditions">Metadata, when a stored label or annotation cannot be read; else empty.</param>
public sealed record ExternalNetworkSelectorStatus(ResourceState State, IReadOnlyList<ConditionBody> Conditions);

public sealed class ExternalNetworkSelectorRequestValidator : AbstractValidator<ExternalNetworkSelectorRequest>
{
    public ExternalNetworkSelectorRequestValidator()
    {
        this.AddResourceRules();
        RuleFor(r => r.NetworkSelector).Custom((selector, context) =>
        {
            if (selector is null) context.AddPathFailure("networkSelector", "is required; {} chooses every network");
            else Check(selector, "networkSelector", context);
        });
        RuleFor(r => r.NamespaceSelector).Custom((selector, context) =>
        {
            if (selector is not null) Check(selector, "namespaceSelector", context);
        });
    }

    private static void Check(LabelSelectorBody selector, string path, ValidationContext<ExternalNetworkSelectorRequest> context)
    {
        foreach (var fault in selector.Faults()) context.AddPathFailure(fault.Member.Length == 0 ? path : $"{path}.{fault.Member}", fault.Message);
    }
}
