namespace CN2.VRouter.Dataplane;

/// <summary>What encapsulates the packets of VPNs.</summary>
public enum OverlayChoice
{
    /// <summary>The kernel where it supports MPLS (<c>KernelMpls</c>), else the agent.</summary>
    Auto,

    /// <summary>The kernel; without MPLS support the agent does not start.</summary>
    Kernel,

    /// <summary>The agent process.</summary>
    Userspace,
}
