using CN2.Api.Access;

namespace CN2.Api.Authorization;

/// <summary>
/// Follows what the caller of a watch may do. The watch ends when that changes, in either direction: its client comes back with its resume token and
/// sees what it may see then. Dispose it with the watch.
/// </summary>
public sealed class RightsLease : IDisposable
{
    private readonly AccessState _state;
    private readonly Caller _caller;
    private readonly CallerRights _rights;
    private readonly CancellationTokenSource _ended = new();
    private readonly Lock _lock = new();
    private CancellationTokenRegistration _registration;
    private bool _isDisposed;

    /// <param name="state">The role bindings.</param>
    /// <param name="http">A request whose caller and rights are known.</param>
    public RightsLease(AccessState state, HttpContext http)
    {
        (_state, _caller, _rights) = (state, Caller.Of(http), CallerRights.Of(http));
        Ended = _ended.Token;
        Look();
    }

    /// <summary>Cancelled when the rights are no longer those of the request.</summary>
    public CancellationToken Ended { get; }

    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            _registration.Unregister(); // not disposed: that would wait for a look, which waits for the lock
        }
    }

    /// <summary>Compares, and comes again with the next snapshot.</summary>
    private void Look()
    {
        lock (_lock)
        {
            if (_isDisposed) return;
            var current = _state.Current;
            if (current.RightsOf(_caller).Equals(_rights))
            {
                _registration = current.Replaced.UnsafeRegister(static lease => ((RightsLease)lease!).Look(), this);
                return;
            }
        }

        _ended.Cancel(); // outside of the lock, because what it ends may dispose this. Its source is never disposed: nobody waits by a handle.
    }
}
