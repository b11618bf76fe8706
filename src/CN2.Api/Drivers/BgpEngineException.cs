namespace CN2.Api.Drivers;

/// <summary>
/// The BGP engine did not do what was asked. <see cref="IsTransient"/> true: it is away or was restarted, what was asked is remembered
/// and applied when it answers again; calling again then confirms it. False: it refused, and will refuse again.
/// </summary>
public sealed class BgpEngineException : Exception
{
    public BgpEngineException(string message, bool isTransient, Exception? inner = null)
        : base(message, inner) => IsTransient = isTransient;

    public bool IsTransient { get; }
}
