using CN2.Network.Resources;

namespace CN2.Api.Reconcile;

/// <summary>
/// Which FloatingIPs hold their address in the underlay: packets to such an address that no entry translates are dropped everywhere. An
/// address is held from the moment it is allocated; when its network moves to the overlay it is held until the last route and entry in the
/// underlay are gone.
/// </summary>
internal sealed class HeldAddresses(LoopState state, VRouterDispatcher dispatcher)
{
    /// <summary>FloatingIPs whose drop-set membership must be evaluated again.</summary>
    private readonly HashSet<Guid> _due = [];

    public void Appeared(Guid floatingIP) => _due.Add(floatingIP);

    /// <summary>The network moves between underlay and overlay.</summary>
    public void ForwardingChanged(Guid network) => _due.UnionWith(state.Resources.FloatingIPsOfNetwork(network).Select(f => f.Uid));

    public void Removed(Guid floatingIP) => dispatcher.Free(floatingIP);

    public void Settle()
    {
        foreach (var uid in _due)
        {
            var floatingIP = state.Resources.TryGetFloatingIP(uid);
            if (floatingIP is not null && !IsInOverlay(floatingIP)) dispatcher.Hold(uid, floatingIP.Address);
            else if (floatingIP is not null && state.Sequencer.IsIn(uid, routingInstance: 0)) continue;
            else dispatcher.Free(uid);
            _due.Remove(uid);
        }
    }

    private bool IsInOverlay(FloatingIP floatingIP) =>
        floatingIP.ExternalNetwork is { } network && state.Resources.ExternalNetwork(network) is { FabricForwarding: false };
}
