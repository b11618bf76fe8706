using System.Diagnostics.CodeAnalysis;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>One connection with the engine, from the first call to the first one that fails. Thread-safe.</summary>
[SuppressMessage("Reliability", "CA1001:Types that own disposable fields should be disposable",
    Justification = "A caller's change may hold the token after the connection is lost; a source without timer and parent has nothing to dispose.")]
internal sealed class EngineLink
{
    private readonly CancellationTokenSource _lost = new();

    public CancellationToken Lost => _lost.Token;

    public bool IsLost => _lost.IsCancellationRequested;

    /// <summary>A call failed: everything that uses this link ends, and the connection's task connects again.</summary>
    public void Break() => _lost.Cancel();
}
