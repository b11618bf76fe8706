using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Resources;

namespace CN2.Network.Compilation;

/// <summary>
/// An endpoint a selector or an attachment chose, with what decides whether it takes new flows. <paramref name="VirtualRouter"/> null: the
/// vRouter it names does not exist; <paramref name="HealthCheckExists"/> is only asked when the endpoint names a health check.
/// </summary>
public readonly record struct ChosenEndpoint(VirtualMachineInterface Interface, VirtualRouter? VirtualRouter, bool HealthCheckExists)
{
    /// <summary>
    /// It may receive new flows from its own vRouter: ready, checked (or without a check) and on a vRouter that exists. A health check
    /// that does not exist has never answered, so the endpoint is out, as a new one is until its first success.
    /// </summary>
    public bool IsUsable => Interface.Ready && IsAlive;

    /// <summary>It takes no new flows because the user said so; those it has go on.</summary>
    public bool IsDraining => !Interface.Ready && IsAlive;

    private bool IsAlive => VirtualRouter is not null
        && (Interface.HealthCheck is null || (HealthCheckExists && Interface.Health == EndpointHealth.Healthy));

    /// <summary>It is counted as ready: usable, and its vRouter is reachable.</summary>
    public bool TakesNewFlows => IsUsable && !VirtualRouter!.Lost;

    /// <summary>Its address of a family, or null.</summary>
    public IPAddress? AddressOf(IPFamily family)
    {
        foreach (var address in Interface.Addresses)
            if (address.FamilyOf() == family) return address;
        return null;
    }
}
