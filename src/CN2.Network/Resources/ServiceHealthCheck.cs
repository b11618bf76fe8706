namespace CN2.Network.Resources;

/// <summary>CN2's ServiceHealthCheck. Times in seconds; down after <paramref name="MaxRetries"/> failures in a row, up after one success.</summary>
public sealed record ServiceHealthCheck(
    Guid Uid,
    NamespacedName Id,
    MonitorType MonitorType,
    int Delay,
    int Timeout,
    int MaxRetries,
    string HttpMethod,
    string UrlPath,
    ExpectedCodes ExpectedCodes,
    ushort? Port);
