using System.ComponentModel.DataAnnotations;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Network.Addressing;
using CN2.Network.Resources;
using CN2.Network.Selection;
using CN2.Network.Status;
using FluentValidation;

namespace CN2.Api.VirtualMachineInterfaces;

/// <summary>An endpoint: a pod's or VM's port on a compute node.</summary>
public sealed record VirtualMachineInterfaceRequest : ResourceRequest
{
    /// <summary>At most one a family, at least one. Required.</summary>
    [Required]
    public List<string>? Addresses { get; set; }

    /// <summary>Name of the compute node it lives on; it need not exist yet. Required.</summary>
    [Required]
    public string? VirtualRouter { get; set; }

    /// <summary>False drains: established flows go on, no new ones. True by default.</summary>
    public bool? Ready { get; set; }

    /// <summary>Name of a ServiceHealthCheck of the namespace, or null.</summary>
    public string? HealthCheck { get; set; }
}

/// <summary>Up to 1000 endpoints to create or replace.</summary>
public sealed record VirtualMachineInterfaceBatchRequest : IResourceBatch
{
    /// <summary>1 to 1000, each with a name of its own.</summary>
    [Required]
    public List<VirtualMachineInterfaceRequest>? Items { get; set; }

    IEnumerable<ResourceRequest> IResourceBatch.Resources => Items ?? [];
}

/// <summary>The endpoints of a batch as they are now, in the order of the request.</summary>
/// <param name="Items">With their status.</param>
public sealed record VirtualMachineInterfaceBatch(IReadOnlyList<VirtualMachineInterfaceResource> Items);

/// <summary>A VirtualMachineInterface as it is answered.</summary>
public sealed record VirtualMachineInterfaceResource : ResourceBody
{
    public required IReadOnlyList<string> Addresses { get; init; }
    public required string VirtualRouter { get; init; }
    public required bool Ready { get; init; }
    public string? HealthCheck { get; init; }
    /// <summary>Read-only.</summary>
    public required VirtualMachineInterfaceStatus Status { get; init; }

    public override string Collection => "virtual-machine-interfaces";
}

/// <summary>Whether it can serve.</summary>
/// <param name="State">Success when it can, Pending while something it refers to or its first check is missing, Failure when unhealthy.</param>
/// <param name="Health">What its health check last said; Unknown without one or before the first answer.</param>
/// <param name="HealthMessage">Why it is unhealthy.</param>
/// <param name="HealthChangedAt">When <paramref name="Health"/> last changed.</param>
/// <param name="Conditions">Ready: it takes new flows.</param>
public sealed record VirtualMachineInterfaceStatus(
    ResourceState State, EndpointHealth Health, string? HealthMessage, DateTimeOffset? HealthChangedAt, IReadOnlyList<ConditionBody> Conditions);

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
                if (!HostAddress.TryParse(addresses[i], null, out var address, out var fault)) context.AddPathFailure($"addresses[{i}]", fault);
                else if (!families.Add(address.FamilyOf()))
                    context.AddPathFailure($"addresses[{i}]", "must not be a second address of the family");
            }
        });
    }
}

public sealed class VirtualMachineInterfaceBatchRequestValidator : AbstractValidator<VirtualMachineInterfaceBatchRequest>
{
    public const int MaxItems = 1000;

    public VirtualMachineInterfaceBatchRequestValidator(IValidator<VirtualMachineInterfaceRequest> item)
    {
        RuleFor(b => b.Items).Must(i => i is { Count: > 0 and <= MaxItems }).WithMessage($"must be 1 to {MaxItems} items");
        When(b => b.Items is { Count: <= MaxItems }, () =>
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
