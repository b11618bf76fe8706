using System.Reflection;
using CN2.Api.Data;
using CN2.Api.Drivers;
using CN2.Api.Options;

namespace CN2.Api.Reconcile;

/// <summary>What this replica says about itself with each heartbeat. May be used from any thread.</summary>
internal sealed class SelfDescription(ControlNodeOptions self, BgpOptions bgp, IBgpSpeaker speaker, HeldLease leadership, AgentRelocation relocation, FeedLag lag)
{
    private static readonly string Version =
        typeof(SelfDescription).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    public string Name => self.Name;

    /// <summary>Which open transaction holds back changes.</summary>
    public FeedLag FeedLag => lag;

    /// <summary>Without an engine nothing can announce routes when this replica is gone.</summary>
    public ControlNodeBeat Now(int restartTimeSeconds) =>
        new(Name, restartTimeSeconds, self.EngineBound || !speaker.Enabled, speaker.Healthy, leadership.IsLeading, bgp.RouterId, Version, lag.Current, relocation.TakesAgents);
}
