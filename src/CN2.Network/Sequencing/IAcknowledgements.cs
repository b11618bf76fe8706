namespace CN2.Network.Sequencing;

/// <summary>What the sequencer asks about vRouters and other replicas.</summary>
public interface IAcknowledgements
{
    /// <summary>Names of all vRouters; entries of scope EveryVirtualRouter go to each.</summary>
    IReadOnlyCollection<string> VirtualRouters { get; }

    /// <summary>The mark of the last message to this vRouter or, with <paramref name="pending"/>, of the message that the next flush will send.</summary>
    AckMark MarkOf(string virtualRouter, bool pending);

    /// <summary>The vRouter has programmed everything up to <paramref name="mark"/>.</summary>
    bool IsAcknowledged(string virtualRouter, AckMark mark);

    /// <summary>Its agent is there, or has not been away for long.</summary>
    bool IsReachable(string virtualRouter);

    /// <summary>Another replica's speaker may hold a route of this FloatingIP through this vRouter.</summary>
    bool AnnouncedElsewhere(Guid floatingIP, string virtualRouter);
}
