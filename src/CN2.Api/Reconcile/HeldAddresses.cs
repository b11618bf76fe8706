using CN2.Network.Collections;
using CN2.Network.Resources;

namespace CN2.Api.Reconcile;

/// <summary>
/// Which FloatingIPs hold their address in the underlay: packets to such an address that no entry translates are dropped everywhere. An
/// address is held from the moment it is allocated; when its network moves to the overlay it is held until the last route and entry in the
/// underlay are gone. One that has become the infrastructure's is not held from then on: the drop would cut nodes off from a control node.
/// </summary>
internal sealed class HeldAddresses(LoopState state, VRouterDispatcher dispatcher)
{
    /// <summary>FloatingIPs whose drop-set membership must be evaluated again.</summary>
    private readonly HashSet<Guid> _due = [];

    /// <summary>It is new, or its address has become the infrastructure's, or is so no longer.</summary>
    public void Changed(Guid floatingIP) => _due.Add(floatingIP);

    /// <summary>The network moves between underlay and overlay.</summary>
    public void ForwardingChanged(Guid network) => _due.UnionWith(state.Resources.FloatingIPsOfNetwork(network).Select(f => f.Uid));

    public void Removed(Guid floatingIP) => dispatcher.Free(floatingIP);

    public void Settle()
    {
        foreach (var uid in _due)
        {
            var floatingIP = state.Resources.TryGetFloatingIP(uid);
            if (floatingIP is { HasInfrastructureAddress: true }) dispatcher.Free(uid);
            else if (floatingIP is not null && !IsInOverlay(floatingIP)) dispatcher.Hold(uid, floatingIP.Address);
            else if (floatingIP is not null && state.Sequencer.IsIn(uid, routingInstance: 0)) continue;
            else dispatcher.Free(uid);
            _due.Remove(uid);
        }

        _due.GiveBackRoom();
    }

    private bool IsInOverlay(FloatingIP floatingIP) =>
        floatingIP.ExternalNetwork is { } network && state.Resources.ExternalNetwork(network) is { FabricForwarding: false };
}
