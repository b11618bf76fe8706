using System.Text.Json.Serialization;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Network.Resources;
using CN2.Network.Status;

namespace CN2.Api.Grants;

/// <summary>What a namespace may use and announce. It holds for everybody who writes in the namespace. A list that is left out grants nothing, but for endpointPrefixes.</summary>
public sealed record GrantRequest : ResourceRequest
{
    /// <summary>The name is always <c>grant</c>, and may be left out.</summary>
    public GrantRequest() => Name = GrantRow.OnlyName;

    /// <summary>The subnets of the namespace's ExternalNetworks lie inside these prefixes. Grants of two namespaces cannot overlap.</summary>
    [AtMost(Limits.GrantPrefixes)]
    public List<string>? Prefixes { get; set; }

    /// <summary>Route targets for import and export: <c>target:64512:100</c>, <c>target:64512:100-199</c> or <c>target:64512:*</c>; in the place of the AS there may be an IPv4 address.</summary>
    [AtMost(Limits.RouteTargets)]
    public List<string>? RouteTargets { get; set; }

    /// <summary>Communities: <c>64512:100</c>, <c>64512:100-199</c>, <c>64512:*</c>, or the name of a well-known one, which no <c>*</c> of another AS grants.</summary>
    [AtMost(Limits.Communities)]
    public List<string>? Communities { get; set; }

    /// <summary>Large communities: <c>64512:1:*</c>; each of the last two parts is a number, a range or <c>*</c>.</summary>
    [AtMost(Limits.Communities)]
    public List<string>? LargeCommunities { get; set; }

    /// <summary>The addresses of the namespace's endpoints lie inside these prefixes. Left out: they may be any, as without a grant.</summary>
    [AtMost(Limits.GrantPrefixes)]
    public List<string>? EndpointPrefixes { get; set; }

    /// <summary>How much the namespace may have.</summary>
    public GrantQuota? Quota { get; set; }
}

/// <summary>How much a namespace may have of each resource; null: any number. What it has beyond a quota stays, and it gets no more.</summary>
public sealed record GrantQuota
{
    /// <summary>Services of every type; one that is being deleted counts until it is gone.</summary>
    public int? Services { get; set; }

    /// <summary>Addresses of ExternalNetworks: reserved FloatingIPs and those of Services. A cluster IP counts with its Service.</summary>
    public int? FloatingIPs { get; set; }

    /// <summary>Node ports of Services.</summary>
    public int? NodePorts { get; set; }

    /// <summary>Endpoints, also those of Pods.</summary>
    public int? VirtualMachineInterfaces { get; set; }

    /// <summary>ExternalNetworks in the namespace.</summary>
    public int? ExternalNetworks { get; set; }
}

/// <summary>A grant in answers.</summary>
public sealed record GrantResource : ResourceBody
{
    public required IReadOnlyList<string> Prefixes { get; init; }
    public required IReadOnlyList<string> RouteTargets { get; init; }
    public required IReadOnlyList<string> Communities { get; init; }
    public required IReadOnlyList<string> LargeCommunities { get; init; }

    /// <summary>Null: endpoints may have any address.</summary>
    public required IReadOnlyList<string>? EndpointPrefixes { get; init; }

    public required GrantQuota Quota { get; init; }

    /// <summary>Read-only.</summary>
    [JsonPropertyOrder(10)]
    public required GrantStatus Status { get; init; }

    [JsonIgnore]
    public override string Collection => "grant";

    [JsonIgnore]
    public override string Path => $"/v1/namespaces/{Namespace}/grant";
}

/// <summary>The state of a grant.</summary>
/// <param name="State">Always Success.</param>
/// <param name="Used">How much the namespace has.</param>
/// <param name="Conditions">Metadata, when a stored label or annotation cannot be read; else empty.</param>
public sealed record GrantStatus(ResourceState State, GrantUse Used, IReadOnlyList<ConditionBody> Conditions);

/// <summary>How much of each resource a namespace has.</summary>
/// <param name="Services">Services, also those that are being deleted.</param>
/// <param name="FloatingIPs">Addresses of ExternalNetworks.</param>
/// <param name="NodePorts">Node ports.</param>
/// <param name="VirtualMachineInterfaces">Endpoints.</param>
/// <param name="ExternalNetworks">ExternalNetworks.</param>
public sealed record GrantUse(long Services, long FloatingIPs, long NodePorts, long VirtualMachineInterfaces, long ExternalNetworks);
