using CN2.Api.Threading;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// The right to change what is wanted and what the engine holds; one caller at a time has it, until it disposes it. Methods that need it
/// have it as a parameter, so they cannot be called without it. <see cref="EngineConnection.TakeTurnAsync"/> hands it out.
/// </summary>
internal sealed class EngineTurn(AsyncSignal gate, EngineLink? link) : IDisposable
{
    private bool _over;

    /// <summary>The engine answers, and holds what was wanted when the turn began.</summary>
    public bool IsConnected => link is { IsLost: false };

    /// <summary>For calls to the engine: cancelled when the connection is lost, and from the start without one.</summary>
    public CancellationToken Lost => link?.Lost ?? new(canceled: true);

    /// <summary>A call of this turn failed.</summary>
    public void Break() => link?.Break();

    /// <summary>Makes calls to the engine if it is there. A failure breaks the connection; what is wanted is applied when the engine is back.</summary>
    public async Task TryAsync(Func<Task> calls)
    {
        if (!IsConnected) return;
        try
        {
            await calls();
        }
        catch (Exception e) when (GoBgpEngine.IsLoss(e))
        {
            Break();
        }
    }

    /// <exception cref="ObjectDisposedException">The turn was given back: a bug of the caller.</exception>
    public void Require() => ObjectDisposedException.ThrowIf(_over, this);

    public void Dispose()
    {
        if (_over) return;
        _over = true;
        gate.Set();
    }
}
