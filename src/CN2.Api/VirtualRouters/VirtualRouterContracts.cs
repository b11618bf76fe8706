using System.ComponentModel.DataAnnotations;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Network.Addressing;
using CN2.Network.Status;
using FluentValidation;

namespace CN2.Api.VirtualRouters;

/// <summary>A compute node. An agent that connects creates its own; creating it beforehand is possible.</summary>
public sealed record VirtualRouterRequest : ResourceRequest
{
    /// <summary>IPv4 address of the node: the BGP next hop of what it serves (CN2: vhost0).</summary>
    [Required]
    public string? Address { get; set; }

    /// <summary>IPv6 address of the node, the next hop of IPv6 routes.</summary>
    public string? Address6 { get; set; }

    /// <summary>Maintenance: its routes are withdrawn, its entries stay.</summary>
    public bool? AdminDown { get; set; }
}

/// <summary>A VirtualRouter as it is answered.</summary>
public sealed record VirtualRouterResource : ResourceBody
{
    public required string Address { get; init; }
    public string? Address6 { get; init; }
    public required bool AdminDown { get; init; }
    /// <summary>Read-only.</summary>
    public required VirtualRouterStatus Status { get; init; }

    public override string Collection => "virtual-routers";
}

/// <summary>What is known of the node's agent.</summary>
/// <param name="State">Success while its agent is connected, Pending before it first was, Failure while it is away.</param>
/// <param name="Connected">The agent has a stream to one of the replicas.</param>
/// <param name="ControlNode">The replica it is connected to.</param>
/// <param name="LastSeenAt">When it last said something.</param>
/// <param name="DesiredRevision">The revision it should have applied.</param>
/// <param name="AppliedRevision">The revision it last acknowledged.</param>
/// <param name="AgentVersion">Of cn2-vrouter.</param>
/// <param name="OverlayEngine">What carries the overlay on the node: userspace, kernel, or null for nothing.</param>
/// <param name="Message">What its agent last complained of.</param>
/// <param name="Conditions">Connected: its agent has a stream to a control node.</param>
public sealed record VirtualRouterStatus(
    ResourceState State, bool Connected, string? ControlNode, DateTimeOffset? LastSeenAt, long DesiredRevision, long AppliedRevision,
    string? AgentVersion, string? OverlayEngine, string? Message, IReadOnlyList<ConditionBody> Conditions);

public sealed class VirtualRouterRequestValidator : AbstractValidator<VirtualRouterRequest>
{
    public VirtualRouterRequestValidator()
    {
        this.AddResourceRules();
        RuleFor(r => r.Address).Custom((address, context) =>
        {
            if (address is null) context.AddPathFailure("address", "is required");
            else if (!HostAddress.TryParse(address, IPFamily.IPv4, out _, out var fault)) context.AddPathFailure("address", fault);
        });
        RuleFor(r => r.Address6).Custom((address, context) =>
        {
            if (address is not null && !HostAddress.TryParse(address, IPFamily.IPv6, out _, out var fault)) context.AddPathFailure("address6", fault);
        });
    }
}
