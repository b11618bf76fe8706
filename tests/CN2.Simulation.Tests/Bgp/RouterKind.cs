namespace CN2.Simulation.Tests.Bgp;

internal enum RouterKind
{
    /// <summary>FRR 8.4: with ADD-PATH; its sweep of stale paths stops at the first path of a prefix that is not stale (FRR#17372).</summary>
    Frr,

    /// <summary>A router without ADD-PATH.</summary>
    OnePath,

    /// <summary>BIRD: with ADD-PATH, and it sweeps all stale paths.</summary>
    Bird,
}
