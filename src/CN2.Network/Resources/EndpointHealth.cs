namespace CN2.Network.Resources;

/// <summary>What the health check of an endpoint last found.</summary>
public enum EndpointHealth
{
    /// <summary>No check has answered yet. An endpoint with a health check gets no traffic then; an endpoint without one does.</summary>
    Unknown,
    Healthy,
    Unhealthy,
}
