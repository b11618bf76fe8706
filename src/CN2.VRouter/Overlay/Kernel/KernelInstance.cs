using System.Net;
using CN2.VRouter.Overlay.Model;

namespace CN2.VRouter.Overlay.Kernel;

/// <summary>A RoutingInstance whose packets the kernel forwards.</summary>
/// <param name="changes">Records every change.</param>
internal sealed class KernelInstance(int number, KernelChanges changes) : RoutingInstanceState(number)
{
    private VethDevice? _device;

    public override VethDevice? Device => _device;

    /// <summary>The label that the kernel accepts for it now; 0: none yet.</summary>
    public uint PublishedLabel { get; set; }

    /// <summary>The <see cref="Senders"/> that the kernel accepts now.</summary>
    public HashSet<TunnelSender> Published { get; set; } = [];

    /// <summary>The routers that may send to it, with the label that they must use.</summary>
    public HashSet<TunnelSender> Senders => [.. NextHops.Select(address => new TunnelSender(address, Label))];

    /// <summary>Uses this device for its packets from now on; null: none.</summary>
    public void Use(VethDevice? device)
    {
        _device = device;
        OnChanged();
    }

    protected override void OnChanged() => changes.Instances.Add(this);

    protected override void OnRouteChanged(IPNetwork prefix, ForwardingPath[] paths) => changes.Routes.Add((this, prefix));

    protected override void OnNextHopChanged(uint router, bool isNextHop) => changes.Count(router, isNextHop ? 1 : -1);
}
