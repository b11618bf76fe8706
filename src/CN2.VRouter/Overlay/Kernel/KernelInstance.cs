using System.Net;
using CN2.VRouter.Overlay.Forwarding;

namespace CN2.VRouter.Overlay.Kernel;

/// <summary>A RoutingInstance whose packets the kernel forwards.</summary>
/// <param name="changes">Hears of every change.</param>
internal sealed class KernelInstance(int number, KernelChanges changes) : RoutingInstanceState(number)
{
    private readonly Dictionary<uint, int> _senders = [];

    /// <summary>The label that the kernel takes for it, 0: none yet.</summary>
    public uint PublishedLabel { get; set; }

    /// <summary>Who may send to it with which label, as the kernel knows it.</summary>
    public HashSet<TunnelSender> Published { get; set; } = [];

    /// <summary>Who may send to it: the next hops of its routes.</summary>
    public HashSet<TunnelSender> Senders => [.. _senders.Keys.Select(address => new TunnelSender(address, Label))];

    protected override void OnChanged() => changes.Instances.Add(this);

    protected override void OnRouteChanged(IPNetwork prefix, ForwardingPath[] before, ForwardingPath[] after)
    {
        foreach (var path in before) Count(path.NextHop, -1);
        foreach (var path in after) Count(path.NextHop, 1);
        changes.Routes.Add((this, prefix));
    }

    private void Count(uint router, int by)
    {
        KernelChanges.Count(_senders, router, by);
        KernelChanges.Count(changes.Routers, router, by);
    }
}
