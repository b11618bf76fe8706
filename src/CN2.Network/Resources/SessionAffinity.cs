namespace CN2.Network.Resources;

/// <summary>ClientIP: all flows of a client go to the same endpoint.</summary>
public enum SessionAffinity
{
    None,
    ClientIP,
}
