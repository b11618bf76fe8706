namespace CN2.Api.Drivers;

/// <summary>For a speaker that shares its routers with no other control node: it is always its turn.</summary>
public sealed class FreeTurns : ISessionTurns
{
    public event Action? Taken
    {
        add { }
        remove { }
    }

    public bool TryTake(string routerAddress) => true;

    public void GiveBack(string routerAddress)
    {
    }
}
