using System.Net;
using CN2.VRouter.Overlay.Model;

namespace CN2.VRouter.Overlay.Kernel;

/// <summary>A RoutingInstance whose packets the kernel forwards.</summary>
/// <param name="changes">Hears of every change.</param>
internal sealed class KernelInstance(int number, KernelChanges changes) : RoutingInstanceState(number)
{
    private VethDevice? _device;

    public override VethDevice? Device => _device;

    /// <summary>The label that the kernel takes for it, 0: none yet.</summary>
    public uint PublishedLabel { get; set; }

    /// <summary><see cref="Senders"/>, as the kernel knows them.</summary>
    public HashSet<TunnelSender> Published { get; set; } = [];

    /// <summary>Who may send to it with which label.</summary>
    public HashSet<TunnelSender> Senders => [.. NextHops.Select(address => new TunnelSender(address, Label))];

    /// <summary>Sends and receives its packets by this device from now on; null: by none.</summary>
    public void Use(VethDevice? device)
    {
        _device = device;
        OnChanged();
    }

    protected override void OnChanged() => changes.Instances.Add(this);

    protected override void OnRouteChanged(IPNetwork prefix, ForwardingPath[] paths) => changes.Routes.Add((this, prefix));

    protected override void OnNextHopChanged(uint router, bool isNextHop) => changes.Count(router, isNextHop ? 1 : -1);
}
