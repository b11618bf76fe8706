using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Resources;

namespace CN2.Network.Compilation;

/// <summary>
/// An endpoint that a selector or an attachment chose, with the facts that decide whether it takes new flows.
/// <paramref name="VirtualRouter"/> null: the named vRouter does not exist. <paramref name="HealthCheckExists"/> counts only when the
/// endpoint names a health check.
/// </summary>
public readonly record struct ChosenEndpoint(VirtualMachineInterface Interface, VirtualRouter? VirtualRouter, bool HealthCheckExists)
{
    /// <summary>
    /// Its own vRouter may send it new flows: the endpoint is ready, healthy (or without a check) and on a vRouter that exists. A health
    /// check that does not exist has never succeeded, so such an endpoint waits like a new endpoint before its first success.
    /// </summary>
    public bool IsUsable => Interface.Ready && IsAlive;

    /// <summary>The user set <c>ready: false</c>: the endpoint takes no new flows, and established flows go on.</summary>
    public bool IsDraining => !Interface.Ready && IsAlive;

    private bool IsAlive => VirtualRouter is not null && !Interface.HasInfrastructureAddress
        && (Interface.HealthCheck is null || (HealthCheckExists && Interface.Health == EndpointHealth.Healthy));

    /// <summary>The endpoint counts as ready: it is usable, and its vRouter is not lost.</summary>
    public bool TakesNewFlows => IsUsable && !VirtualRouter!.Lost;

    /// <summary>The first address of a family, or null.</summary>
    public IPAddress? AddressOf(IPFamily family)
    {
        foreach (var address in Interface.Addresses)
            if (address.FamilyOf() == family) return address;
        return null;
    }
}
