namespace CN2.Network.Resources;

/// <summary>How an endpoint is checked: an HTTP request, a TCP connection, or an ICMP echo.</summary>
public enum MonitorType
{
    HTTP,
    TCP,
    PING,
}
