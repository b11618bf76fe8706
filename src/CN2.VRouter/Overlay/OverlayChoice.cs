namespace CN2.VRouter.Overlay;

/// <summary>Who is to encapsulate the VPNs' packets.</summary>
public enum OverlayChoice
{
    /// <summary>The kernel where it can do MPLS (<see cref="Kernel.KernelMpls"/>), else the agent.</summary>
    Auto,

    /// <summary>The kernel; the agent does not start where it cannot.</summary>
    Kernel,

    /// <summary>The agent.</summary>
    Userspace,
}
