using System.Net;

namespace CN2.VRouter.Overlay.Kernel;

/// <summary>What has changed since it was last published, and how many paths lead to each router.</summary>
internal sealed class KernelChanges
{
    public HashSet<KernelInstance> Instances { get; } = [];

    public HashSet<(KernelInstance Instance, IPNetwork Prefix)> Routes { get; } = [];

    /// <summary>By address, as a number.</summary>
    public Dictionary<uint, int> Routers { get; } = [];

    public static void Count(Dictionary<uint, int> counts, uint key, int by)
    {
        var count = counts.GetValueOrDefault(key) + by;
        if (count == 0) counts.Remove(key);
        else counts[key] = count;
    }
}
