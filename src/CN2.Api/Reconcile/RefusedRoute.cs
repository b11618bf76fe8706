using CN2.Network.Compilation;

namespace CN2.Api.Reconcile;

/// <summary>A route that the speaker does not announce. <see cref="Reason"/>: a sentence for the user that says what to change.</summary>
internal sealed record RefusedRoute(FloatingIPRoute Route, string Reason);
