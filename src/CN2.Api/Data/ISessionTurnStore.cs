namespace CN2.Api.Data;

/// <summary>The rows that say which control node is opening a new session with a router on purpose, and which must open one (docs/adr/0010-stores-behind-interfaces.md).</summary>
internal interface ISessionTurnStore
{
    /// <summary>True: the turn is the caller's from now on, for <see cref="SessionTurnStore.Duration"/>. False: another control node has it.</summary>
    Task<bool> TakeAsync(string routerAddress, CancellationToken ct);

    /// <summary>Another control node may have the turn now.</summary>
    Task GiveBackAsync(string routerAddress, CancellationToken ct);

    /// <summary>The routers that this control node owes a new session, and whether rows of it may be missing.</summary>
    Task<OwedSessions> OwedAsync(CancellationToken ct);

    /// <summary>Replaces them.</summary>
    /// <param name="routerAddresses">The routers.</param>
    /// <param name="coversLostRows">They cover what rows that may be missing said: from now on none is missing.</param>
    /// <param name="ct">Ends the statement.</param>
    Task OweAsync(IReadOnlyCollection<string> routerAddresses, bool coversLostRows, CancellationToken ct);
}
