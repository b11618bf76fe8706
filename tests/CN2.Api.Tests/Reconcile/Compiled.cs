using System.Net;
using CN2.Api.Reconcile;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Compilation;
using CN2.Network.Resources;

namespace CN2.Api.Tests.Reconcile;

/// <summary>Compiled owners for tests of what comes after the compiler.</summary>
internal static class Compiled
{
    public static CompiledOwner With(Guid owner, params FloatingIPRoute[] routes) => new()
    {
        Owner = owner,
        NatEntries = routes.DistinctBy(r => r.FloatingIP).Select(r => new NatEntry
        {
            Key = new NatEntryKey(IPFamily.IPv4, r.Address, TransportProtocol.TCP, 80, r.RoutingInstance),
            FloatingIP = r.FloatingIP,
            Scope = NatEntryScope.LocalBackends,
            Backends = routes.Where(o => o.FloatingIP == r.FloatingIP).Select(o => new Backend(IPAddress.Parse("10.0.0.1"), 8080, o.VirtualRouter)).ToEquatableList(),
        }).ToEquatableList(),
        Routes = routes.ToEquatableList(),
        EndpointsTotal = 1,
        EndpointsReady = 1,
    };

    /// <summary>The agent is connected here, gets everything and acknowledges it.</summary>
    public static void Acknowledge(LoopParts parts, string router)
    {
        var dispatcher = parts.Get<VRouterDispatcher>();
        if (!parts.State.Ledger.Open(router).ConnectedHere) dispatcher.Connected(router);
        dispatcher.Flush();
        var account = parts.State.Ledger.Open(router);
        account.Applied(account.LastRevision);
        parts.State.Sequencer.Acknowledged(router, parts.Now);
    }
}
