namespace CN2.Network.Resources;

/// <summary>How a Service is reached: by an external address, by a cluster IP only, or by a node port.</summary>
public enum ServiceType
{
    LoadBalancer,
    ClusterIP,
    NodePort,
}
