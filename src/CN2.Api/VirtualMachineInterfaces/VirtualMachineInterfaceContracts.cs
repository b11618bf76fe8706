using System.ComponentModel.DataAnnotations;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Network.Addressing;
using CN2.Network.Resources;
using CN2.Network.Selection;
using CN2.Network.Status;
using FluentValidation;

namespace CN2.Api.VirtualMachineInterfaces;

/// <summary>An endpoint: the interface of a pod or virtual machine on a compute node.</summary>
public sealed record VirtualMachineInterfaceRequest : ResourceRequest
{
    /// <summary>The addresses of the endpoint: one, or one for each family. Required.</summary>
    [Required]
    [AtMost(Limits.EndpointAddresses)]
    public List<string>? Addresses { get; set; }

    /// <summary>The name of the VirtualRouter of its compute node; it need not exist yet. Required.</summary>
    [Required]
    [AtMost(Limits.Reference)]
    public string? VirtualRouter { get; set; }

    /// <summary>False drains the endpoint: established flows continue, and no new flows come. True by default.</summary>
    public bool? Ready { get; set; }

    /// <summary>How many new flows the endpoint takes in proportion to the other endpoints: 1 to 100, default 1. An endpoint of weight 2 takes twice as many as one of weight 1.</summary>
    public int? Weight { get; set; }

    /// <summary>The name of a ServiceHealthCheck in this namespace, or null.</summary>
    [AtMost(Limits.Reference)]
    public string? HealthCheck { get; set; }
}

/// <summary>Endpoints to create or replace in one transaction.</summary>
public sealed record VirtualMachineInterfaceBatchRequest : IResourceBatch
{
    /// <summary>1 to 1000 endpoints; each has a different name.</summary>
    [Required]
    [AtMost(Limits.BatchItems)]
    public List<VirtualMachineInterfaceRequest>? Items { get; set; }

    IEnumerable<ResourceRequest> IResourceBatch.Resources => Items ?? [];
}

/// <summary>The endpoints of a batch after the transaction, in the order of the request.</summary>
/// <param name="Items">The endpoints, with their status.</param>
public sealed record VirtualMachineInterfaceBatch(IReadOnlyList<VirtualMachineInterfaceResource> Items);

/// <summary>A VirtualMachineInterface in answers.</summary>
public sealed record VirtualMachineInterfaceResource : ResourceBody
{
    public required IReadOnlyList<string> Addresses { get; init; }
    public required string VirtualRouter { get; init; }
    public required bool Ready { get; init; }
    public required int Weight { get; init; }
    public string? HealthCheck { get; init; }
    /// <summary>Read-only.</summary>
    public required VirtualMachineInterfaceStatus Status { get; init; }

    public override string Collection => "virtual-machine-interfaces";
}

/// <summary>Whether the endpoint can serve.</summary>
/// <param name="State">Success: it can serve. Pending: its VirtualRouter, its health check or the first result is missing. Failure: it is unhealthy, or goes up and down too often.</param>
/// <param name="Health">The last result of its health check. Unknown when it has no health check, and before the first result.</param>
/// <param name="HealthMessage">Why the endpoint is unhealthy.</param>
/// <param name="HealthChangedAt">When <paramref name="Health"/> last changed.</param>
/// <param name="HeldUntil">Until when the endpoint must stay up before it takes new flows, because it has gone down too often; null: it is not held back.</param>
/// <param name="Conditions">Ready: whether the endpoint takes new flows.</param>
public sealed record VirtualMachineInterfaceStatus(
    ResourceState State, EndpointHealth Health, string? HealthMessage, DateTimeOffset? HealthChangedAt, DateTimeOffset? HeldUntil, IReadOnlyList<ConditionBody> Conditions);

public sealed class VirtualMachineInterfaceRequestValidator : AbstractValidator<VirtualMachineInterfaceRequest>
{
    public VirtualMachineInterfaceRequestValidator()
    {
        this.AddResourceRules();
        RuleFor(r => r.VirtualRouter).Custom((name, context) =>
        {
            if (name is null) context.AddPathFailure("virtualRouter", "is required");
            else if (NameSyntax.FaultOfDnsLabel(name) is { } fault) context.AddPathFailure("virtualRouter", fault);
        });
        RuleFor(r => r.Weight).InclusiveBetween(VirtualMachineInterface.LowestWeight, VirtualMachineInterface.HighestWeight)
            .WithMessage($"must be from {VirtualMachineInterface.LowestWeight} to {VirtualMachineInterface.HighestWeight}");
        RuleFor(r => r.HealthCheck).Custom((name, context) =>
        {
            if (name is not null && NameSyntax.FaultOfDnsLabel(name) is { } fault) context.AddPathFailure("healthCheck", fault);
        });
        RuleFor(r => r.Addresses).Custom((addresses, context) =>
        {
            if (addresses is not { Count: > 0 })
            {
                context.AddPathFailure("addresses", "needs at least one address");
                return;
            }

            var families = new HashSet<IPFamily>();
            for (var i = 0; i < addresses.Count; i++)
            {
                if (!EndpointAddress.TryParse(addresses[i], out var address, out var fault)) context.AddPathFailure($"addresses[{i}]", fault);
                else if (!families.Add(address.FamilyOf()))
                    context.AddPathFailure($"addresses[{i}]", "must not be a second address of the family");
            }
        });
    }
}

public sealed class VirtualMachineInterfaceBatchRequestValidator : AbstractValidator<VirtualMachineInterfaceBatchRequest>
{
    public VirtualMachineInterfaceBatchRequestValidator(IValidator<VirtualMachineInterfaceRequest> item)
    {
        RuleFor(b => b.Items).Must(i => i is { Count: > 0 }).WithMessage($"must be 1 to {Limits.BatchItems} items");
        When(b => b.Items is not null, () =>
        {
            RuleForEach(b => b.Items).SetValidator(item);
            RuleFor(b => b.Items).Custom((items, context) =>
            {
                var names = new HashSet<string>(StringComparer.Ordinal);
                for (var i = 0; i < items!.Count; i++)
                {
                    if (items[i]?.Name is { } name && !names.Add(name)) context.AddPathFailure($"items[{i}].name", $"{name} is given twice");
                }
            });
        });
    }
}
