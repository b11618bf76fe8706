namespace CN2.Api.Drivers;

/// <summary>
/// Who may close its session with a router in order to change it: one control node at a time, so that the router has the routes of the
/// others meanwhile. And which sessions it still has to open anew. Routers are named by their address. Every method may be called from any thread, and
/// none but <see cref="OweAsync"/> waits.
/// </summary>
public interface ISessionTurns
{
    /// <summary>
    /// True: this control node may close its session now. False: it is asked for, and <see cref="Taken"/> says when to ask again. Nobody gets a turn while
    /// another control node has no session with the router: it may have been changed wrongly there, and the router has only the routes of the rest.
    /// </summary>
    bool TryTake(string routerAddress);

    /// <summary>The session is complete again, or the wish is over.</summary>
    void GiveBack(string routerAddress);

    /// <summary>The routers that an earlier run of this control node owed a new session (<see cref="OweAsync"/>).</summary>
    IReadOnlyCollection<string> Owed => [];

    /// <summary>
    /// Rows that an earlier run of this control node wrote may be missing, among them those of paths that it announced, because the database failed over or was restored. Until
    /// <see cref="OweAsync"/> says that what it keeps covers them.
    /// </summary>
    bool RowsLost => false;

    /// <summary>The sessions of an earlier run of this control node, as it wrote them last.</summary>
    IReadOnlyCollection<BgpSession> LastSessions => [];

    /// <summary>
    /// Keeps, over the end of this process, which routers must be given a new session because they may keep paths that were withdrawn; replaces what was
    /// kept. Completes when new ones are written, or the database does not answer soon: then they are written when it does.
    /// </summary>
    /// <param name="routerAddresses">The routers.</param>
    /// <param name="coversLostRows">Among them are all routers that may keep what a lost row named (<see cref="RowsLost"/>).</param>
    Task OweAsync(IReadOnlyCollection<string> routerAddresses, bool coversLostRows) => Task.CompletedTask;

    /// <summary>A turn that was asked for is there. Raised on any thread; a handler may only set a flag.</summary>
    event Action? Taken;
}
