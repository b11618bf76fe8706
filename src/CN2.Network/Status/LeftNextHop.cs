namespace CN2.Network.Status;

/// <summary>Where the BGP engine of a control node that is gone may still send clients, although nothing serves the address there.</summary>
/// <param name="ControlNode">Its name.</param>
/// <param name="NextHop">The address of the vRouter.</param>
public sealed record LeftNextHop(string ControlNode, string NextHop);
