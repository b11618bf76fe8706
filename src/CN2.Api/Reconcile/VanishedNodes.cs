using System.Net;
using CN2.Api.Drivers;
using CN2.Api.Options;

namespace CN2.Api.Reconcile;

/// <summary>
/// Decides whether a node that the streams report as gone (<see cref="IVRouterListener.Vanished"/>) is believed to be. Then the database learns it, and
/// the leader marks the vRouter as lost without waiting for <see cref="VRouterOptions.LostAfter"/>. When it is not believed, that time decides.
/// </summary>
internal sealed partial class VanishedNodes(LoopState state, VRouterOptions options, AgentRecorder recorder, IVRouterPublisher publisher, ILogger<VanishedNodes> logger)
{
    public void Handle(AgentEvent.Vanished gone)
    {
        // Agents at another replica could be asked, but not from here.
        if (!gone.IsWitnessed && state.Others.Any) return;

        // Many at once are nobody's loss (docs/contract.md §3). Who has just gone silent counts too, so that the first of many is not lost before the others.
        var carriers = state.Sequencer.Carriers;
        var silent = gone.Silent.Count(carriers.Contains);
        if (silent >= options.AtOnceOf(carriers.Count))
        {
            LogMany(gone.Name, silent, carriers.Count);
            return;
        }

        if (!publisher.EndVanished(gone.Hello, "nothing is heard of the agent, and its node does not answer")) return;
        // Its stream is ended, although that is only heard later: what it was last known to have is not saved any more, which would bring its routes back.
        if (state.Ledger.Find(gone.Name) is { } account) (account.Hello, account.ConnectedHere) = (null, false);
        LogVanished(gone.Name, gone.Hello.Address);
        recorder.Vanished(gone.Name);
    }

    [LoggerMessage(EventId = 246, Level = LogLevel.Warning, Message = "The node of vRouter {Name} ({Address}) is gone: nothing is heard of its agent, and it does not answer other nodes")]
    private partial void LogVanished(string name, IPAddress address);

    [LoggerMessage(EventId = 247, Level = LogLevel.Warning, Message = "vRouter {Name} is silent and its node does not answer, but {Silent} of {Carriers} vRouters with routes are silent at once: nobody is lost for that")]
    private partial void LogMany(string name, int silent, int carriers);
}
