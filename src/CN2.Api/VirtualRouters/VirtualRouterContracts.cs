using System.ComponentModel.DataAnnotations;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Network.Addressing;
using CN2.Network.Resources;
using CN2.Network.Status;
using FluentValidation;

namespace CN2.Api.VirtualRouters;

/// <summary>A compute node. An agent that connects creates its VirtualRouter; it can also be created before.</summary>
public sealed record VirtualRouterRequest : ResourceRequest
{
    /// <summary>The IPv4 address of the node. It is the BGP next hop of the addresses that the node serves (CN2: vhost0).</summary>
    [Required]
    [AtMost(Limits.Reference)]
    public string? Address { get; set; }

    /// <summary>The IPv6 address of the node. It is the BGP next hop of IPv6 routes.</summary>
    [AtMost(Limits.Reference)]
    public string? Address6 { get; set; }

    /// <summary>True for maintenance: the routes of the node are withdrawn, and its NAT entries stay.</summary>
    public bool? AdminDown { get; set; }
}

/// <summary>A VirtualRouter in answers.</summary>
public sealed record VirtualRouterResource : ResourceBody
{
    public required string Address { get; init; }
    public string? Address6 { get; init; }
    public required bool AdminDown { get; init; }
    /// <summary>Read-only.</summary>
    public required VirtualRouterStatus Status { get; init; }

    public override string Collection => "virtual-routers";
}

/// <summary>The state of the node's agent.</summary>
/// <param name="State">Success: the agent is connected. Pending: it was never connected. Failure: it is no longer connected.</param>
/// <param name="Connected">Whether the agent is connected to a control node.</param>
/// <param name="ControlNode">The name of the control node that it is connected to.</param>
/// <param name="LastSeenAt">When the agent was last heard, true to 4 s.</param>
/// <param name="DesiredRevision">The revision that the agent should apply.</param>
/// <param name="AppliedRevision">The revision that the agent last acknowledged.</param>
/// <param name="AgentVersion">The version of cn2-vrouter.</param>
/// <param name="OverlayEngine">Which tunnels carry the overlay on the node: userspace, kernel, or null when the node cannot carry it.</param>
/// <param name="Message">The last error or notice of the agent.</param>
/// <param name="Conditions">
/// Connected: whether the agent is connected to a control node. Unknown, with reason MassLoss: it is away together with many others, and its
/// routes stay. Forwarding: False when something on the node itself stops its traffic (the reason, and in the message the setting, or the table,
/// chain and policy by name), Unknown when something may, or when the agent does not look. DuplicateAgent and AddressTaken are present only while another agent tries to connect with this name or address; the message
/// says where it comes from.
/// </param>
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
