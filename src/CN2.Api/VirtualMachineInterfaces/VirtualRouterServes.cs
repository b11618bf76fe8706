namespace CN2.Api.VirtualMachineInterfaces;

/// <summary>Whether the VirtualRouter that an endpoint names serves it.</summary>
internal enum VirtualRouterServes
{
    Missing,
    Yes,
    Lost,

    /// <summary>In maintenance: no route leads to it, and its endpoints take flows from other nodes.</summary>
    AdminDown,
}
