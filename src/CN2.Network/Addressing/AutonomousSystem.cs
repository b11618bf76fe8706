namespace CN2.Network.Addressing;

/// <summary>Numbers of autonomous systems, 4 bytes long (RFC 6793).</summary>
public static class AutonomousSystem
{
    /// <summary>A sentence that says why no router can have the number; null when one can. 4294967295 is reserved (RFC 7300), but routers take it.</summary>
    public static string? FaultOf(long number) => number switch
    {
        < 1 or > uint.MaxValue => $"The number of an autonomous system must be from 1 to {uint.MaxValue}.",
        23456 => "23456 stands for every 4-byte number in a 2-byte field (RFC 6793); give the router's own number.",
        _ => null,
    };
}
