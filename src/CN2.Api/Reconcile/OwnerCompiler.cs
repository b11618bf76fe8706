using CN2.Api.Drivers;
using CN2.Network.Compilation;

namespace CN2.Api.Reconcile;

/// <summary>
/// Compiles the owners and probes that changes have touched, and gives the results to the sequencer and the dispatcher. An owner that
/// cannot be compiled keeps what it has; it never stops the others.
/// </summary>
internal sealed partial class OwnerCompiler(
    LoopState state, VRouterDispatcher dispatcher, HeldAddresses addresses, FlowOwners flows, CarrierLists carriers, ReconcileCounters counters, ILogger<OwnerCompiler> logger)
{
    public void Compile()
    {
        var now = state.Clock.Now;
        var dirty = state.Resources.TakeDirtyOwners();
        var owners = new List<(Guid Owner, CompiledOwner? Compiled)>(dirty.Count);
        foreach (var owner in dirty)
        {
            try
            {
                owners.Add((owner, state.Resources.Compile(owner)));
            }
            catch (Exception e)
            {
                LogNotCompiled(e, owner);
            }
        }

        counters.OwnersCompiled(owners.Count);
        // An owner that gives a FloatingIP away goes before the owner that takes it over, so no key is ever asked for by two owners.
        foreach (var (owner, compiled) in owners.OrderByDescending(o => GivesAway(o.Owner, o.Compiled)))
        {
            state.Sequencer.Set(owner, compiled, now);
            carriers.Set(owner, compiled);
        }

        foreach (var (owner, _) in owners) flows.Changed(owner);

        foreach (var endpoint in state.Resources.TakeDirtyInterfaces())
        {
            var probe = state.Resources.ProbeOf(endpoint);
            dispatcher.SetProbe(endpoint, probe is null ? null : (probe.VirtualRouter, new VRouterProbe(endpoint, probe.Address, probe.Check, probe.LastKnown)));
        }

        addresses.Settle();
        flows.Settle();
    }

    private bool GivesAway(Guid owner, CompiledOwner? compiled) =>
        state.Sequencer.Compiled.TryGetValue(owner, out var before)
        && before.NatEntries.Any(f => f.FloatingIP is { } held && compiled?.NatEntries.Any(n => n.FloatingIP == held) != true);

    [LoggerMessage(EventId = 226, Level = LogLevel.Error, Message = "{Owner} could not be compiled; it keeps what it has")]
    private partial void LogNotCompiled(Exception exception, Guid owner);
}
