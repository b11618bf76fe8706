using System.Net;
using CN2.Network.Compilation;

namespace CN2.VRouter;

/// <summary>All that this node's data plane must hold. Owned by one task; a data plane only reads it during a call.</summary>
public sealed class DataplaneConfig
{
    public Dictionary<FrontendKey, DataplaneFrontend> Frontends { get; } = [];

    /// <summary>Addresses whose unmapped ports are dropped.</summary>
    public HashSet<IPAddress> FloatingIPs { get; } = [];
}
