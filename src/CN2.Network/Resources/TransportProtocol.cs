namespace CN2.Network.Resources;

/// <summary>Layer-4 protocols of a port; the value is the IP protocol number (IANA).</summary>
public enum TransportProtocol : byte
{
    TCP = 6,
    UDP = 17,
    SCTP = 132,
}
