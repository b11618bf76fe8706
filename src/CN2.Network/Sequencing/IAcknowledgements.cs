using CN2.Network.Compilation;

namespace CN2.Network.Sequencing;

/// <summary>What the sequencer asks about vRouters and other replicas.</summary>
public interface IAcknowledgements
{
    /// <summary>Names of all vRouters; entries of scope EveryVirtualRouter go to each.</summary>
    IReadOnlyCollection<string> VirtualRouters { get; }

    /// <summary>The mark of the last message to this vRouter or, with <paramref name="pending"/>, of the message that the next flush will send.</summary>
    AckMark MarkOf(string virtualRouter, bool pending);

    /// <summary>The vRouter has programmed every message up to <paramref name="mark"/>.</summary>
    bool IsAcknowledged(string virtualRouter, AckMark mark);

    /// <summary>The vRouter refuses something, so <see cref="IsRefused"/> is worth asking.</summary>
    bool RefusesAny(string virtualRouter);

    /// <summary>The vRouter has acknowledged the message that names this entry, but not the entry: it, or its kernel, cannot take it.</summary>
    bool IsRefused(string virtualRouter, NatEntryKey key);

    /// <summary>The agent of the vRouter is connected, or disconnected only a short time ago.</summary>
    bool IsReachable(string virtualRouter);

    /// <summary>
    /// The agent of the vRouter is connected to this replica. If it is not, another replica serves it, or served it last, which knows nothing of entries that
    /// are only held here.
    /// </summary>
    bool IsServedHere(string virtualRouter);

    /// <summary>The speaker of another replica may have a route of this FloatingIP through this vRouter.</summary>
    bool AnnouncedElsewhere(Guid floatingIP, string virtualRouter);
}
