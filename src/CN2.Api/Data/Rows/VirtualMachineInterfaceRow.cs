using System.Net;
using CN2.Network.Resources;

namespace CN2.Api.Data.Rows;

public sealed class VirtualMachineInterfaceRow : NamespacedRow
{
    public required string VirtualRouter { get; set; }
    public required IPAddress[] Addresses { get; set; }
    public bool Ready { get; set; } = true;
    public int Weight { get; set; } = VirtualMachineInterface.LowestWeight;
    public string? HealthCheck { get; set; }

    /// <summary>The last result of the probe: Unknown, Healthy or Unhealthy. It does not change the generation.</summary>
    public string Health { get; set; } = "Unknown";
    public string? HealthMessage { get; set; }
    public DateTimeOffset? HealthChangedAt { get; set; }

    /// <summary>See <see cref="CN2.Network.Resources.FlapDamping"/>; times of the database.</summary>
    public int HealthDowns { get; set; }
    public DateTimeOffset? HealthDownAt { get; set; }
    public DateTimeOffset? HealthHeldUntil { get; set; }
}
