namespace CN2.Api.Drivers;

/// <summary>
/// The BGP engine failed. <see cref="IsTransient"/> true: it does not answer, or was lost during the call. The speaker remembers what was
/// asked and applies it when the engine is back; repeat the call to have it confirmed. False: the engine answers and refuses; it would
/// refuse the same call again.
/// </summary>
public sealed class BgpEngineException : Exception
{
    public BgpEngineException(string message, bool isTransient, Exception? inner = null)
        : base(message, inner) => IsTransient = isTransient;

    public bool IsTransient { get; }
}
