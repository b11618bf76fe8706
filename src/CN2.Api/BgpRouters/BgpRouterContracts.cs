using System.ComponentModel.DataAnnotations;
using CN2.Api.Data.Documents;
using CN2.Api.Drivers;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Network.Addressing;
using CN2.Network.Resources;
using CN2.Network.Status;
using FluentValidation;

namespace CN2.Api.BgpRouters;

/// <summary>An external router. Every control node opens a BGP session to it: iBGP when its autonomous system is the control nodes' own, otherwise eBGP.</summary>
public sealed record BgpRouterRequest : ResourceRequest
{
    /// <summary>The address of the router that the control nodes connect to. Required.</summary>
    [Required]
    [AtMost(Limits.Reference)]
    public string? Address { get; set; }

    /// <summary>The autonomous system number of the router: 1 to 4294967295, but not 23456 (RFC 6793). Required.</summary>
    [Required]
    public long? AutonomousSystem { get; set; }

    /// <summary>The TCP port of the router; 179 by default.</summary>
    public int? Port { get; set; }

    /// <summary>The address families to negotiate: inet, inet6, inet-vpn and inet6-vpn by default; route-target is possible too.</summary>
    [AtMost(Limits.AddressFamilies)]
    public List<string>? AddressFamilies { get; set; }

    /// <summary>The session ends after this many seconds without a message: 3 to 65535; 90 by default. 0 (a session without keepalives, RFC 4271 §4.2) is not supported.</summary>
    public int? HoldTime { get; set; }

    /// <summary>TCP MD5 key (RFC 2385), at most 80 characters. It is never part of an answer. When it is left out, the stored key stays; "" removes it.</summary>
    [AtMost(Limits.AuthKey)]
    public string? AuthKey { get; set; }

    /// <summary>Time to live of packets to an eBGP router that is more than one hop away: 1 to 255; null means one hop.</summary>
    public int? MultihopTtl { get; set; }

    /// <summary>The control nodes wait until the router connects.</summary>
    public bool? Passive { get; set; }

    /// <summary>Offer ADD-PATH (RFC 7911), so that the router learns all next hops of an address; true by default.</summary>
    public bool? AddPath { get; set; }

    /// <summary>The session is kept down.</summary>
    public bool? AdminDown { get; set; }

    /// <summary>Graceful restart (RFC 4724), on by default.</summary>
    public GracefulRestartBody? GracefulRestart { get; set; }

    /// <summary>
    /// How many prefixes the router takes, at least 1: what is beyond it is not sent to this router, the oldest are kept. null: no limit. A router
    /// that counts every path of ADD-PATH needs this number times the next hops of an address.
    /// </summary>
    public int? MaxAdvertised { get; set; }

    /// <summary>What is kept of the request, with the defaults, without address and key.</summary>
    internal BgpRouterSpec ToSpec() => new(
        (uint)AutonomousSystem!.Value, Port ?? 179, AddressFamilies ?? BgpRouterSpec.DefaultFamilies, HoldTime ?? BgpRouterSpec.DefaultHoldTime, MultihopTtl, Passive ?? false,
        AddPath ?? true, AdminDown ?? false, GracefulRestart?.Enabled ?? true, GracefulRestart?.RestartTime ?? 120)
    {
        MaxAdvertised = MaxAdvertised,
        LongLivedStaleTime = GracefulRestart?.LongLivedStaleTime ?? 0,
    };
}

/// <summary>Graceful restart (RFC 4724).</summary>
public sealed record GracefulRestartBody
{
    /// <summary>True by default.</summary>
    public bool? Enabled { get; set; }

    /// <summary>How many seconds the router may keep the routes while a control node restarts: 0 to 4095; 120 by default.</summary>
    public int? RestartTime { get; set; }

    /// <summary>
    /// How many seconds longer a router that takes part in long-lived graceful restart (RFC 9494) may keep the routes when it hears nothing, also
    /// after the hold time: 0 to 16777215; 0, the default, is off. Graceful restart must be enabled.
    /// </summary>
    public int? LongLivedStaleTime { get; set; }
}

/// <summary>A BgpRouter in answers; its key is not shown.</summary>
public sealed record BgpRouterResource : ResourceBody
{
    public required string Address { get; init; }
    public required uint AutonomousSystem { get; init; }
    public required int Port { get; init; }
    public required IReadOnlyList<string> AddressFamilies { get; init; }
    public required int HoldTime { get; init; }
    public int? MultihopTtl { get; init; }
    public required bool Passive { get; init; }
    public required bool AddPath { get; init; }
    public required bool AdminDown { get; init; }
    public required GracefulRestartBody GracefulRestart { get; init; }
    public int? MaxAdvertised { get; init; }
    /// <summary>Read-only.</summary>
    public required BgpRouterStatus Status { get; init; }

    public override string Collection => "bgp-routers";
}

/// <summary>The BGP sessions of all control nodes to this router.</summary>
/// <param name="State">Success: a session is Established. Failure: none is Established and one has an error. Pending: otherwise.</param>
/// <param name="Sessions">One session for each control node.</param>
/// <param name="Conditions">Established: whether a session is up, and what to do if not. With maxAdvertised also Advertised: False, reason PeerLimit, while prefixes are not sent because of it.</param>
public sealed record BgpRouterStatus(ResourceState State, IReadOnlyList<BgpSessionStatus> Sessions, IReadOnlyList<ConditionBody> Conditions);

/// <summary>A BGP session, as one control node sees it.</summary>
/// <param name="ControlNode">The name of the control node.</param>
/// <param name="State">Idle, Connect, Active, OpenSent, OpenConfirm or Established.</param>
/// <param name="Since">When the session entered this state.</param>
/// <param name="Families">The negotiated address families.</param>
/// <param name="AddPath">The router accepts several paths for one prefix (ADD-PATH).</param>
/// <param name="Advertised">The number of routes sent to the router.</param>
/// <param name="Received">The number of routes received from the router.</param>
/// <param name="Withheld">The number of prefixes that maxAdvertised keeps from the router.</param>
/// <param name="LastError">Why the session last went down.</param>
public sealed record BgpSessionStatus(
    string ControlNode, string State, DateTimeOffset? Since, IReadOnlyList<string> Families, bool AddPath, long Advertised, long Received, long Withheld, string? LastError);

public sealed class BgpRouterRequestValidator : AbstractValidator<BgpRouterRequest>
{
    private static readonly string[] Families = ["inet", "inet6", "inet-vpn", "inet6-vpn", "route-target"];

    public BgpRouterRequestValidator()
    {
        this.AddResourceRules();
        RuleFor(r => r.Address).Custom((address, context) =>
        {
            if (address is null) context.AddPathFailure("address", "is required");
            else if (!HostAddress.TryParse(address, null, out _, out var fault)) context.AddPathFailure("address", fault);
        });
        RuleFor(r => r.AutonomousSystem).NotNull().WithMessage("is required");
        RuleFor(r => r.AutonomousSystem).Custom((number, context) =>
        {
            if (number is { } given && AutonomousSystem.FaultOf(given) is { } fault) context.AddPathFailure("autonomousSystem", fault);
        });
        RuleFor(r => r.Port).InclusiveBetween(1, 65535).WithMessage("must be from 1 to 65535");
        RuleFor(r => r.HoldTime).InclusiveBetween(BgpRouterSpec.LeastHoldTime, ushort.MaxValue)
            .WithMessage("must be from 3 to 65535 seconds; a session without keepalives (0) is not possible");
        RuleFor(r => r.MultihopTtl).InclusiveBetween(1, 255).WithMessage("must be from 1 to 255");
        RuleFor(r => r.AuthKey).Must(k => k is null || k.All(c => c is > ' ' and <= '~')).WithMessage("must be visible ASCII characters");
        RuleFor(r => r.GracefulRestart!.RestartTime).InclusiveBetween(0, 4095).When(r => r.GracefulRestart is not null)
            .OverridePropertyName("gracefulRestart.restartTime").WithMessage("must be from 0 to 4095 seconds");
        RuleFor(r => r.GracefulRestart).Custom((restart, context) =>
        {
            if (restart?.LongLivedStaleTime is not { } time) return;
            if (time is < 0 or > BgpPeer.LongestStaleTime) context.AddPathFailure("gracefulRestart.longLivedStaleTime", $"must be from 0 to {BgpPeer.LongestStaleTime} seconds");
            else if (time > 0 && restart.Enabled == false) context.AddPathFailure("gracefulRestart.longLivedStaleTime", "needs gracefulRestart.enabled; set that to true, or this to 0");
        });
        RuleFor(r => r.MaxAdvertised).GreaterThanOrEqualTo(1).WithMessage("must be at least 1; leave it out to send everything");
        RuleFor(r => r.AddressFamilies).Custom((families, context) =>
        {
            if (families is null) return;
            if (families.Count == 0) context.AddPathFailure("addressFamilies", "must name at least one family");
            for (var i = 0; i < families.Count; i++)
            {
                if (!Families.Contains(families[i])) context.AddPathFailure($"addressFamilies[{i}]", $"must be one of {string.Join(", ", Families)}");
                else if (families.IndexOf(families[i]) < i) context.AddPathFailure($"addressFamilies[{i}]", "is given twice");
            }
        });
    }
}
