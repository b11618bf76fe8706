namespace CN2.VRouter.Dataplane;

/// <summary>Who is to encapsulate the VPNs' packets.</summary>
public enum OverlayChoice
{
    /// <summary>The kernel where it can do MPLS (<c>KernelMpls</c>), else the agent.</summary>
    Auto,

    /// <summary>The kernel; the agent does not start where it cannot.</summary>
    Kernel,

    /// <summary>The agent.</summary>
    Userspace,
}
