namespace CN2.Api.Drivers;

/// <summary>
/// Who may close its session with a router in order to change it: one control node at a time, so that the router has the routes of the
/// others meanwhile. Routers are named by their address. Every method may be called from any thread, and none waits.
/// </summary>
public interface ISessionTurns
{
    /// <summary>True: this control node may close its session now. False: it is asked for, and <see cref="Taken"/> says when to ask again.</summary>
    bool TryTake(string routerAddress);

    /// <summary>The session is complete again, or the wish is over.</summary>
    void GiveBack(string routerAddress);

    /// <summary>A turn that was asked for is there. Raised on any thread; a handler may only set a flag.</summary>
    event Action? Taken;
}
